package import IR

/// A region repeated over the slices of tensors, carrying state from slice to slice.
///
/// Inputs: `states` initial states, scanned tensors, then captures. The region takes (states…, slices…, captures…) and
/// gives (states…, slices…). Outputs: the final states, then the region's slices laid side by side.
package struct Scan: ONNXOperator {
  package static let name = "scan"

  package var states: Int
  /// Axis along which each scanned tensor is cut, and whether from the back.
  package var inputAxes: [Int]
  package var inputReversed: [Bool]
  /// Axis of each collected output, empty for the first; and whether it is filled from the back.
  package var outputAxes: [Int]
  package var outputReversed: [Bool]
  /// All tensors have a batch as their first axis, over which the scan is repeated, and lengths come first (opset 8).
  package var isBatched: Bool

  package init(
    states: Int, inputAxes: [Int], inputReversed: [Bool], outputAxes: [Int] = [], outputReversed: [Bool] = [],
    isBatched: Bool = false
  ) {
    self.states = states
    self.inputAxes = inputAxes
    self.inputReversed = inputReversed
    self.outputAxes = outputAxes
    self.outputReversed = outputReversed
    self.isBatched = isBatched
  }

  /// Inputs before the first state.
  private var lead: Int { isBatched ? 1 : 0 }

  private func outputAxis(_ index: Int) -> Int { index < outputAxes.count ? outputAxes[index] : 0 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let results = try context.results(ofRegion: 0)
    guard states >= 0, results.count >= states, let firstAxis = inputAxes.first else {
      throw OperatorError("results-match", "a scan with \(states) states has \(results.count) results")
    }
    let scanned = try context.tensor(lead + states)
    let batch = isBatched ? Array(scanned.shape.prefix(1)) : []
    let length = scanned.shape[try resolveAxis(firstAxis, rank: scanned.rank - batch.count) + batch.count]
    var types: [ValueType] = []
    for (index, result) in results.enumerated() {
      guard case .tensor(let type) = result else {
        guard let element = result.elementType else {
          throw OperatorError("tensor-expected", "a scan works on tensors")
        }
        types.append(.unranked(element))
        continue
      }
      var shape = type.shape
      if index >= states {
        shape.insert(length, at: try resolveAxis(outputAxis(index - states), rank: shape.count + 1))
      }
      var joined = ValueType.tensor(TensorType(type.element, batch + shape))
      if index < states, let initial = context.type(lead + index) {
        joined = try initial.joined(with: joined) { context.freshDimension("\(index).\($0)") }
      }
      types.append(joined)
    }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofInput: lead + states)
    let trips = shape[try resolveAxis(inputAxes.first ?? 0, rank: shape.count - lead) + lead]
    return .loop(
      Loop(
        label: "scan", tripCount: trips, parallel: isBatched ? shape[0] : 1, body: operands.regions.first ?? [],
        inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    guard states >= 0, !inputAxes.isEmpty, inputs.count >= lead + states + inputAxes.count else {
      throw OperatorError("missing-input", "a scanned tensor is missing")
    }
    var initial: [Tensor] = []
    for index in 0..<states + inputAxes.count { initial.append(try inputs.tensor(lead + index)) }
    let captures = Array(inputs[(lead + states + inputAxes.count)...])
    guard isBatched else { return try run(initial, captures, length: nil, context).map(Datum.tensor) }
    let lengths = try inputs.optionalIntegers(0)
    let batch = initial.first?.shape.first ?? 0
    var results: [[Tensor]] = []
    for item in 0..<batch {
      var parts: [Tensor] = []
      for tensor in initial {
        guard tensor.shape.first == batch else { throw OperatorError("extents-match", "batches of different sizes") }
        parts.append(tensor.slice(item, axis: 0))
      }
      results.append(try run(parts, captures, length: lengths.flatMap { item < $0.count ? $0[item] : nil }, context))
    }
    guard let count = results.first?.count else {
      throw OperatorError("elements-expected", "a scan over an empty batch")
    }
    var outputs: [Datum] = []
    for index in 0..<count { outputs.append(.tensor(try stacked(results.map { $0[index] }, axis: 0))) }
    return outputs
  }

  private func run(
    _ initial: [Tensor], _ captures: [Datum?], length: Int?, _ context: EvaluationContext
  ) throws(OperatorError) -> [Tensor] {
    var state = Array(initial[..<states])
    var axes: [Int] = []
    for (index, axis) in inputAxes.enumerated() {
      axes.append(try resolveAxis(axis, rank: initial[states + index].rank))
    }
    let extent = initial[states].shape[axes[0]]
    guard axes.indices.allSatisfy({ initial[states + $0].shape[axes[$0]] == extent }) else {
      throw OperatorError("extents-match", "scanned tensors of different lengths")
    }
    var collected: [[Tensor]] = []
    let trips = min(length ?? extent, extent)
    for trip in 0..<trips {
      let slices = axes.indices.map { index in
        initial[states + index].slice(
          index < inputReversed.count && inputReversed[index] ? trips - 1 - trip : trip, axis: axes[index])
      }
      let results = try context.run(0, (state + slices).map { .tensor($0) } + captures).compactMap(\.tensor)
      guard results.count >= states else {
        throw OperatorError("results-match", "the scan's region has too few results")
      }
      state = Array(results[..<states])
      if collected.isEmpty { collected = Array(repeating: [], count: results.count - states) }
      for (index, result) in results.dropFirst(states).enumerated() { collected[index].append(result) }
    }
    for (index, tensors) in collected.enumerated() {
      var ordered = index < outputReversed.count && outputReversed[index] ? tensors.reversed() : tensors
      // Steps beyond a sequence's length are zeros.
      while let last = ordered.last, ordered.count < extent {
        ordered.append(Tensor(last.element, last.shape, wrapping: Array(repeating: 0, count: last.count)))
      }
      state.append(try stacked(ordered, axis: outputAxis(index)))
    }
    return state
  }

  package static var onnxNames: [ONNXName] { ["Scan"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Scan {
    _ = try node.region("body")
    let isBatched = node.opset < 9
    let lead = isBatched ? 1 : 0
    guard let count = try node.integer("num_scan_inputs"), count > 0, node.inputs.count >= count + lead else {
      throw OperatorError("missing-attribute", "a scan needs 'num_scan_inputs' that fits its inputs")
    }
    let directions = try node.integers(isBatched ? "directions" : "scan_input_directions") ?? []
    let axes = try node.integers("scan_input_axes") ?? []
    return Scan(
      states: node.inputs.count - count - lead, inputAxes: (0..<count).map { $0 < axes.count ? axes[$0] : 0 },
      inputReversed: (0..<count).map { $0 < directions.count && directions[$0] == 1 },
      outputAxes: try node.integers("scan_output_axes") ?? [],
      outputReversed: try node.integers("scan_output_directions")?.map { $0 == 1 } ?? [], isBatched: isBatched)
  }

  /// A batched scan is a scan over the batch whose body scans one image.
  package func onnxEquivalent(of node: Node, in graph: Graph) throws(OperatorError) -> Node {
    guard isBatched else { return node }
    guard node.inputs.first == .some(nil), let body = node.regions.first else {
      throw OperatorError("scan-lengths", "a scan over sequences of different lengths (opset 8) has no newer form")
    }
    var rewriter = Rewriter(Graph(name: "image"))
    var inner: [ValueID?] = []
    for (index, input) in node.inputs.dropFirst().enumerated() {
      guard let input else { throw OperatorError("missing-input", "a scanned tensor is missing") }
      var type = graph[input].type
      if index < states + inputAxes.count, case .tensor(var tensor) = type {
        tensor.shape.removeFirst()
        type = .tensor(tensor)
      }
      inner.append(rewriter.addInput(type, name: graph[input].name))
    }
    var plain = self
    plain.isBatched = false
    let types = node.outputs.map { (output) -> ValueType in
      guard case .tensor(var tensor) = graph[output].type else { return graph[output].type }
      tensor.shape.removeFirst()
      return .tensor(tensor)
    }
    let scan = rewriter.addNode(
      plain, inner, types: types, name: node.name + ".image", origin: node.origin, regions: [body],
      outputNames: node.outputs.map { graph[$0].name })
    rewriter.setOutputs(rewriter.graph[scan].outputs)
    let count = states + inputAxes.count
    var outer = node
    outer.operation = Scan(
      states: 0, inputAxes: Array(repeating: 0, count: count), inputReversed: Array(repeating: false, count: count))
    outer.inputs.removeFirst()
    outer.regions = [rewriter.finish()]
    return outer
  }

  package var onnxInputCount: Int? { states + inputAxes.count + (isBatched ? 1 : 0) }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("body", .region(0)), ("num_scan_inputs", .integer(inputAxes.count)), ("scan_input_axes", .integers(inputAxes)),
      ("scan_input_directions", .integers(inputReversed.map { $0 ? 1 : 0 })),
    ]
    if !outputAxes.isEmpty { attributes.append(("scan_output_axes", .integers(outputAxes))) }
    if !outputReversed.isEmpty {
      attributes.append(("scan_output_directions", .integers(outputReversed.map { $0 ? 1 : 0 })))
    }
    return ONNXSpelling("Scan", attributes)
  }
}

extension Tensor {
  /// The slice at one position of an axis, without that axis.
  package func slice(_ position: Int, axis: Int) -> Tensor {
    var rest = shape
    let strides = shape.rowMajorStrides
    rest[axis] = 1
    var result = rearranged(rest, StridedView(shape: rest, strides: strides, offset: position * strides[axis]))
    result.shape.remove(at: axis)
    return result
  }
}
