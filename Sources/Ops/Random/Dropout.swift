package import IR

/// x with a random share of elements zeroed and the rest scaled up, in training; x itself otherwise.
///
/// Inputs: x, optional share (0.5), optional training flag. Outputs: y and, when asked for, the mask of kept elements.
package struct Dropout: ONNXOperator {
  package static let name = "dropout"

  package var seed: Int?
  /// The mask has x's element type, as before opset 10.
  package var hasNumericMask: Bool

  package init(seed: Int? = nil, hasNumericMask: Bool = false) {
    self.seed = seed
    self.hasNumericMask = hasNumericMask
  }

  /// Whether it is random depends on an input; removing it when not training is canonicalisation's business.
  package var isNondeterministic: Bool { false }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let element = try context.element(0)
    let y = try context.sameShape(element)
    return context.outputCount > 1 ? [y, try context.sameShape(hasNumericMask ? element : .bool)] : [y]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [context.known(0)] }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(Movement(kind: .view, inputs: [try operands.input(0)], outputs: try operands.allOutputs()))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.sameAxisTies() }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let share = try inputs.optionalTensor(1)?.doubles().first ?? 0.5
    let isTraining = try inputs.optionalTensor(2)?.doubles().first ?? 0 != 0
    var kept = [Bool](repeating: true, count: x.count)
    var y = x
    if isTraining, share > 0 {
      var generator = SeededGenerator(seed: seed.map { UInt64(bitPattern: Int64($0)) } ?? context.seed)
      for index in kept.indices { kept[index] = generator.uniform() >= share }
      let scale = share < 1 ? 1 / (1 - share) : 0
      y = Tensor(x.element, x.shape, rounding: zip(try x.doubles(), kept).map { $1 ? $0 * scale : 0 })
    }
    guard context.outputCount > 1 else { return [.tensor(y)] }
    let mask =
      hasNumericMask
      ? Tensor(x.element, x.shape, wrapping: kept.map { $0 ? 1 : 0 }) : Tensor(.bool, x.shape, .bool(kept))
    return [.tensor(y), .tensor(mask)]
  }

  package static var onnxNames: [ONNXName] { ["Dropout"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Dropout {
    node.ignore("consumed_inputs")
    let hasNumericMask = node.opset < 10
    if let ratio = try node.float("ratio") { node.setInput(1, Tensor([], floats: [ratio])) }
    // Before opset 7 an attribute said whether this is inference; it is for us, unless said otherwise.
    if try node.integer("is_test") == 0, node.opset < 7 {
      node.setInput(2, Tensor(.bool, [], .bool([true])))
    }
    return Dropout(seed: try node.integer("seed"), hasNumericMask: hasNumericMask)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Dropout", seed.map { [("seed", .integer($0))] } ?? []) }
}
