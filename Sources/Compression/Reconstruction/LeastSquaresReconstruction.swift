package import Basic
package import IR
internal import Numerics
internal import Ops

/// Refits layers of a smaller graph to what the same layers of the original graph give, one after the other, each on the
/// inputs it really gets.
///
/// For X the new inputs and R the error of the result (bias included), ΔW and Δb solve min ‖X·ΔWᵀ + Δb − R‖² + λ‖ΔW‖²: a ridge
/// regression towards the weights as they are. Statistics of batch normalisations are taken anew.
package struct LeastSquaresReconstruction {
  /// The original.
  package let reference: Graph
  /// The smaller graph; its nodes have the IDs of the original's.
  package let working: Graph
  /// Layers to refit.
  package let layers: Set<NodeID>
  /// λ as a share of the mean diagonal of XᵀX.
  package let damping: Double
  /// Positions of an axis of the original that the smaller graph still has.
  package let kept: (ValueAxis, _ extent: Int) -> [Int]

  package init(
    reference: Graph, working: Graph, layers: Set<NodeID>, damping: Double, kept: @escaping (ValueAxis, _ extent: Int) -> [Int]
  ) {
    self.reference = reference
    self.working = working
    self.layers = layers
    self.damping = damping
    self.kept = kept
  }

  package struct Outcome: Sendable {
    /// New constants of the smaller graph.
    package var constants: [ValueID: Constant] = [:]
    /// SQNR of the result of each refitted layer, in dB.
    package var quality: [(layer: String, before: Double, after: Double)] = []

    package func records(stage: String, action: String) -> [StageRecord] {
      quality.map { item in
        StageRecord(
          stage: stage, layer: item.layer, action: action,
          figures: [.init("output_sqnr_db_before", item.before), .init("output_sqnr_db", item.after)])
      }
    }
  }

  package func run(_ batches: [[Datum?]], progress: (Double) -> Void = { _ in }) throws(Failure) -> Outcome {
    var result = Outcome()
    let users = working.usersByValue()
    result.constants = try LayerwiseSweep(working, reference: reference, batches: batches).run(progress: progress) { step throws(Failure) in
      if step.node.operation is BatchNormalization { return try statistics(step) }
      guard layers.contains(step.id), let exact = LinearLayer(reference, step.id), let layer = LinearLayer(working, step.id) else {
        return [:]
      }
      return try refit(step, exact, layer, users, &result.quality)
    }
    return result
  }

  private func refit(
    _ step: LayerwiseSweep.Layer, _ exact: LinearLayer, _ layer: LinearLayer, _ users: [[NodeID]],
    _ quality: inout [(layer: String, before: Double, after: Double)]
  ) throws(Failure) -> [ValueID: Constant] {
    let old = try layer.tensor(in: working)
    let exactWeights = try exact.matrices(try exact.tensor(in: reference))
    var weights = try layer.matrices(old)
    let keptOutputs = kept(ValueAxis(exact.weight, exact.outputAxis), exact.groups * exact.outputs)
    let bias = try Addition(layer, working, users)
    let exactBias = try Addition(exact, reference, reference.usersByValue())?.values
    var shift = [Double](repeating: 0, count: layer.groups * layer.outputs)
    var (signal, noise, left) = (0.0, 0.0, 0.0)
    for group in 0..<layer.groups {
      let base = group * layer.outputs
      // Whole groups may be gone, as with the channels of a depthwise layer.
      let origin = keptOutputs[base] / exact.outputs
      let sources = keptOutputs[base..<(base + layer.outputs)].map { $0 - origin * exact.outputs }
      let target = exactWeights[origin].selecting(rows: sources)
      let offsets = (0..<layer.outputs).map { (exactBias?[keptOutputs[base + $0]] ?? 0) - (bias?.values[base + $0] ?? 0) }
      var fit = Fit(inputs: layer.inputs, outputs: layer.outputs, hasBias: bias != nil, damping: damping)
      for (x, y) in zip(step.workingInput(0), step.referenceInput(0)) {
        fit.add(
          try layer.inputRows(x, group: group, of: step.node), weights[group],
          exact: try exact.inputRows(y, group: origin, of: reference[step.id]), target, offsets)
      }
      let change = try fit.solve(layer.name)
      weights[group] = weights[group] + change.weights
      for (index, value) in change.bias.enumerated() { shift[base + index] = value }
      signal += fit.signal
      noise += fit.noise
      left += fit.remaining(change.all)
    }
    quality.append((layer.name, decibels(signal, noise), decibels(signal, left)))
    var changes = [layer.weight: Constant(layer.tensor(weights, like: old))]
    if let bias { changes[bias.value] = try bias.moved(by: shift) }
    return changes
  }

  /// Mean and variance of what a batch normalisation now gets.
  private func statistics(_ step: LayerwiseSweep.Layer) throws(Failure) -> [ValueID: Constant] {
    guard step.node.inputs.count == 5, let mean = step.node.inputs[3], let variance = step.node.inputs[4], working[mean].constant != nil,
      working[variance].constant != nil, let channels = working.tensorType(mean)?.elementCount, channels > 0
    else { return [:] }
    var (sum, squares) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
    var count = 0.0
    for x in step.workingInput(0) {
      guard case .float32(let values) = x.elements, x.rank >= 2, x.shape[1] == channels else { return [:] }
      let plane = x.shape[2...].reduce(1, *)
      for (index, value) in values.enumerated() {
        sum[index / plane % channels] += Double(value)
        squares[index / plane % channels] += Double(value) * Double(value)
      }
      count += Double(values.count / channels)
    }
    guard count > 1 else { return [:] }
    let means = sum.map { $0 / count }
    let variances = zip(squares, means).map { max(0, $0 / count - $1 * $1) }
    return [
      mean: Constant(Tensor(.float32, [channels], rounding: means)), variance: Constant(Tensor(.float32, [channels], rounding: variances)),
    ]
  }
}

/// A constant vector that is added to a layer's result.
private struct Addition {
  let value: ValueID
  let values: [Double]
  private let tensor: Tensor

  init?(_ layer: LinearLayer, _ graph: Graph, _ users: [[NodeID]]) throws(Failure) {
    guard let value = layer.addend(in: graph, users: users), let tensor = graph[value].constant.flatMap({ Tensor($0) }) else { return nil }
    self.value = value
    self.tensor = tensor
    do throws(OperatorError) { values = try tensor.doubles() } catch { throw Failure("bias of '\(layer.name)': \(error)") }
  }

  func moved(by shift: [Double]) throws(Failure) -> Constant {
    do throws(OperatorError) { return Constant(try tensor.adding(shift)) } catch { throw Failure("a bias of another type: \(error)") }
  }
}

/// Normal equations of one layer's correction, gathered batch by batch.
private struct Fit {
  private let inputs: Int
  private let outputs: Int
  private let hasBias: Bool
  private let damping: Double
  private var gram: GramAccumulator
  private var cross: CrossAccumulator
  private var errorSums: [Double]
  /// Σ of the squared exact results.
  private(set) var signal = 0.0
  /// Σ of the squared errors before the fit.
  private(set) var noise = 0.0

  init(inputs: Int, outputs: Int, hasBias: Bool, damping: Double) {
    self.inputs = inputs
    self.outputs = outputs
    self.hasBias = hasBias
    self.damping = damping
    gram = GramAccumulator(width: inputs)
    cross = CrossAccumulator(inputs: inputs, outputs: outputs)
    errorSums = [Double](repeating: 0, count: outputs)
  }

  mutating func add(_ x: [Float], _ weights: Matrix, exact: [Float], _ target: Matrix, _ offsets: [Double]) {
    let rows = x.count / max(inputs, 1)
    let now = product(x, weights, rows)
    let wanted = product(exact, target, rows)
    var errors = [Float](repeating: 0, count: rows * outputs)
    for index in errors.indices {
      let error = Double(wanted[index]) - Double(now[index]) + offsets[index % outputs]
      errors[index] = Float(error)
      errorSums[index % outputs] += error
      noise += error * error
      signal += Double(wanted[index]) * Double(wanted[index])
    }
    gram.add(rows: x)
    cross.add(x, errors)
  }

  private func product(_ x: [Float], _ weights: Matrix, _ rows: Int) -> [Float] {
    FastKernels().multiply(
      MatrixProblem(m: rows, n: weights.rows, k: weights.columns, transposesB: true), x, weights.elements.map(Float.init))
  }

  /// ΔW (outputs × inputs), Δb, and both as one matrix of unknowns × outputs.
  func solve(_ name: String) throws(Failure) -> (weights: Matrix, bias: [Double], all: Matrix) {
    let (left, right) = system()
    do throws(LinearAlgebraError) {
      let mean = gram.gram.diagonal.reduce(0, +) / Double(max(1, inputs))
      var damped = left
      for index in 0..<inputs { damped[index, index] += damping * mean }
      let solution = try LeastSquares.ridge(gram: damped, cross: right, damping: 0)
      let weights = solution.selecting(rows: Array(0..<inputs)).transposed
      return (weights, hasBias ? Array(solution.row(inputs)) : [], solution)
    } catch { throw Failure("'\(name)' cannot be refitted: \(error)", fix: "give more calibration samples or more damping") }
  }

  /// Σ of the squared errors after a correction: ‖R‖² − 2·tr(ΔᵀXᵀR) + tr(ΔᵀXᵀXΔ).
  func remaining(_ change: Matrix) -> Double {
    let (left, right) = system()
    let projected = left * change
    let gained = zip(change.elements, zip(right.elements, projected.elements)).reduce(0) { $0 + $1.0 * (2 * $1.1.0 - $1.1.1) }
    return max(0, noise - gained)
  }

  /// XᵀX and XᵀR, with a column of ones for the bias.
  private func system() -> (Matrix, Matrix) {
    guard hasBias else { return (gram.gram, cross.cross) }
    let size = inputs + 1
    var (left, right) = (Matrix(zeros: size, size), Matrix(zeros: size, outputs))
    let (g, c) = (gram.gram, cross.cross)
    for row in 0..<inputs {
      for column in 0..<inputs { left[row, column] = g[row, column] }
      (left[row, inputs], left[inputs, row]) = (gram.sum[row], gram.sum[row])
      for output in 0..<outputs { right[row, output] = c[row, output] }
    }
    left[inputs, inputs] = Double(gram.count)
    for output in 0..<outputs { right[inputs, output] = errorSums[output] }
    return (left, right)
  }
}
