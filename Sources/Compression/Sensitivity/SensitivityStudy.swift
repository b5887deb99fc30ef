package import Basic
internal import Foundation
package import IR
internal import Numerics

/// What each layer loses at each number of bits, one layer changed at a time.
package struct SensitivityStudy: Sendable {
  package enum Metric: String, Sendable, CaseIterable, Codable {
    /// Noise over signal of the model's output, shown in dB.
    case sqnr
    /// Divergence of the output distribution from the original's.
    case kl
    /// Mean trace of the second derivative times the squared change of the weights (HAWQ-V2, arXiv:1911.03852).
    case hessian
  }

  package struct Layer: Sendable, Hashable, Codable {
    package var name: String
    package var parameters: Int
    /// Multiply–accumulates of one sample.
    package var macs: Int
    /// Loss by bits, in the order of the study's bits: smaller is better, whatever the metric.
    package var losses: [Double]
    /// ‖W − Q(W)‖² by bits.
    package var perturbations: [Double]
    /// Mean diagonal of the second derivative; nil for other metrics.
    package var trace: Double?
  }

  package var metric: Metric
  /// Ascending.
  package var bits: [Int]
  /// Random directions per layer for the trace.
  package var probes = 8
  package var seed: UInt64 = 0

  package init(_ metric: Metric, bits: [Int]) {
    self.metric = metric
    self.bits = bits.sorted()
  }

  /// - Parameter layers: those to study.
  package func run(
    _ graph: Graph, _ layers: [LinearLayer], _ batches: [[Datum?]], _ runner: any GraphRunner, progress: (Double) -> Void = { _ in }
  ) throws(Failure) -> [Layer] {
    let exact = try outputs(graph, batches, runner)
    var result: [Layer] = []
    for (index, layer) in layers.enumerated() {
      let old = try layer.tensor(in: graph)
      var row = Layer(name: layer.name, parameters: layer.weightCount, macs: layer.macs(in: graph), losses: [], perturbations: [])
      if metric == .hessian { row.trace = try trace(layer, old, graph, batches, exact, runner, salt: UInt64(index)) }
      for width in bits {
        let stored = try QuantizationParameters.stored(old, bits: width, axis: layer.outputAxis, name: layer.name)
        row.perturbations.append(stored.squaredError)
        switch metric {
        case .hessian: row.losses.append((row.trace ?? 0) * stored.squaredError)
        case .sqnr, .kl:
          let distance = try distance(graph.replacing([layer.weight: Constant(stored.tensor)]), batches, exact, runner)
          row.losses.append(metric == .sqnr ? distance.relativeNoise : distance.meanDivergence)
        }
      }
      result.append(row)
      progress(Double(index + 1) / Double(layers.count))
    }
    return result
  }

  private func outputs(_ graph: Graph, _ batches: [[Datum?]], _ runner: any GraphRunner) throws(Failure) -> [Tensor?] {
    var result: [Tensor?] = []
    for batch in batches { result.append(try runner.run(graph, batch).first?.tensor) }
    return result
  }

  private func distance(_ graph: Graph, _ batches: [[Datum?]], _ exact: [Tensor?], _ runner: any GraphRunner) throws(Failure)
    -> OutputDistance
  {
    var distance = OutputDistance()
    for (batch, expected) in zip(batches, exact) {
      if let expected, let changed = try runner.run(graph, batch).first?.tensor { distance.add(changed, exact: expected) }
    }
    return distance
  }

  /// tr(F)/n of the Fisher information of the outputs, without gradients: for random signs v, KL(f(w) ‖ f(w + εv)) ≈ ½ε²·vᵀFv,
  /// whose mean over v is ½ε²·tr(F) (Hutchinson). At the trained weights F is the expected second derivative of the log loss.
  private func trace(
    _ layer: LinearLayer, _ weights: Tensor, _ graph: Graph, _ batches: [[Datum?]], _ exact: [Tensor?], _ runner: any GraphRunner,
    salt: UInt64
  ) throws(Failure) -> Double {
    guard let values = try? weights.doubles(), !values.isEmpty else { return 0 }
    let size = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    // Small enough for the second-order term to rule, large enough for single precision.
    let step = max(size, 1e-6) * 0.01
    var state = SeedMix.mixed(seed, salt)
    var sum = 0.0
    for _ in 0..<probes {
      let moved = values.map { value -> Double in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return value + (state >> 63 == 0 ? step : -step)
      }
      let changed = graph.replacing([layer.weight: Constant(Tensor(weights.element, weights.shape, rounding: moved))])
      sum += 2 * (try distance(changed, batches, exact, runner)).meanDivergence / (step * step)
    }
    return sum / Double(probes) / Double(values.count)
  }
}

/// A seed that depends on two numbers.
enum SeedMix {
  static func mixed(_ seed: UInt64, _ salt: UInt64) -> UInt64 { (seed ^ (salt &* 0x9E37_79B9_7F4A_7C15)) &+ 0xD1B5_4A32_D192_ED03 }
}

extension QuantizationParameters {
  /// A weight as it comes back from symmetric integers with a scale per output, and Σ of the squared change.
  static func stored(_ weight: Tensor, bits: Int, axis: Int, name: String) throws(Failure) -> (tensor: Tensor, squaredError: Double) {
    let values: [Float]
    do throws(OperatorError) { values = try weight.floats() } catch { throw Failure("weights of '\(name)': \(error)") }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure("weight \(bad) of '\(name)' is \(values[bad])", fix: "mend the model: weights must be finite")
    }
    let scheme = QuantizationScheme(
      storage: bits <= 4 ? .int4 : bits <= 8 ? .int8 : .int16, granularity: .channel(axis: axis), bits: bits)
    let restored = forWeight(values, shape: weight.shape, scheme, bits <= 4 ? .mse : .minmax).restored(values, shape: weight.shape)
    let error = zip(values, restored).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (Tensor(weight.shape, floats: restored), error)
  }
}

extension LinearLayer {
  /// Multiply–accumulates for one sample, symbolic extents taken as 1.
  package func macs(in graph: Graph) -> Int {
    let operands = graph.operandTypes(of: graph[node]).bindingSymbols(to: 1)
    return (try? graph[node].operation.computation(operands))?.work.macs ?? 0
  }
}
