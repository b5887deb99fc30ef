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

  /// Batches run up to a layer once; what follows it runs again for every change of its weights.
  ///
  /// - Parameter layers: those to study.
  package func run(
    _ graph: Graph, _ layers: [LinearLayer], _ batches: [[Datum?]], progress: (Double) -> Void = { _ in }
  ) throws(Failure) -> [Layer] {
    let prepared = try PreparedGraph(graph, Evaluator(path: .fast, threads: 1))
    var runs = try concurrently(batches.count) { index throws(Failure) in
      let start = try prepared.checkpoint(batches[index])
      return Run(exact: try prepared.finish(start).first?.tensor, checkpoint: start)
    }
    var result = [Layer?](repeating: nil, count: layers.count)
    let users = graph.usersByValue()
    // A weight that several layers share counts from its first reader on.
    let positions = layers.map { layer in users[layer.weight.index].compactMap { prepared.position(of: $0) }.min() ?? 0 }
    let order = layers.indices.sorted { (positions[$0], $0) < (positions[$1], $1) }
    for (done, index) in order.enumerated() {
      let layer = layers[index]
      let before = runs
      runs = try concurrently(runs.count) { batch throws(Failure) in
        var run = before[batch]
        try prepared.advance(&run.checkpoint, to: positions[index])
        return run
      }
      let old = try layer.tensor(in: graph)
      let tail = Tail(graph: prepared, runs: runs, weight: layer.weight)
      var row = Layer(name: layer.name, parameters: layer.weightCount, macs: layer.macs(in: graph), losses: [], perturbations: [])
      if metric == .hessian { row.trace = try trace(old, tail, salt: UInt64(index)) }
      for width in bits {
        let stored = try QuantizationParameters.stored(old, bits: width, axis: layer.outputAxis, name: layer.name)
        row.perturbations.append(stored.squaredError)
        switch metric {
        case .hessian: row.losses.append((row.trace ?? 0) * stored.squaredError)
        case .sqnr, .kl:
          let distance = try tail.distance(stored.tensor)
          row.losses.append(metric == .sqnr ? distance.relativeNoise : distance.meanDivergence)
        }
      }
      result[index] = row
      progress(Double(done + 1) / Double(layers.count))
    }
    return result.compactMap { $0 }
  }

  /// tr(F)/n of the Fisher information of the outputs, without gradients: for random signs v, KL(f(w) ‖ f(w + εv)) ≈ ½ε²·vᵀFv,
  /// whose mean over v is ½ε²·tr(F) (Hutchinson). At the trained weights F is the expected second derivative of the log loss.
  private func trace(_ weights: Tensor, _ tail: Tail, salt: UInt64) throws(Failure) -> Double {
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
      sum += 2 * (try tail.distance(Tensor(weights.element, weights.shape, rounding: moved))).meanDivergence / (step * step)
    }
    return sum / Double(probes) / Double(values.count)
  }
}

/// One batch on its way: the original's output and the run as far as it got.
private struct Run: Sendable {
  var exact: Tensor?
  var checkpoint: PreparedGraph.Checkpoint
}

/// The rest of a model from one layer on.
private struct Tail: Sendable {
  let graph: PreparedGraph
  let runs: [Run]
  let weight: ValueID

  /// How far the outputs move when the layer has other weights.
  func distance(_ weights: Tensor) throws(Failure) -> OutputDistance {
    let changed = try concurrently(runs.count) { index throws(Failure) in
      try graph.finish(runs[index].checkpoint, with: [weight: .tensor(weights)]).first?.tensor
    }
    var distance = OutputDistance()
    for (run, output) in zip(runs, changed) { if let exact = run.exact, let output { distance.add(output, exact: exact) } }
    return distance
  }
}

/// A seed that depends on two numbers.
enum SeedMix {
  static func mixed(_ seed: UInt64, _ salt: UInt64) -> UInt64 { (seed ^ (salt &* SplitMix64.increment)) &+ 0xD1B5_4A32_D192_ED03 }
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
