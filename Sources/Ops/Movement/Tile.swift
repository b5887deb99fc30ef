package import IR

/// x repeated along every axis as often as the second input says.
package struct Tile: ONNXOperator {
  package static let name = "tile"

  package init() {}

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard let repeats = context.known(1) else {
      return [.tensor(TensorType(x.element, x.shape.indices.map { context.freshDimension("axis\($0)") }))]
    }
    guard repeats.count == x.rank, repeats.allSatisfy({ (0..<1 << 40).contains($0.constant ?? 0) }) else {
      throw OperatorError("repeats-fit", "\(repeats.text) repeats for a tensor of rank \(x.rank)")
    }
    let shape = zip(x.shape, repeats).map { $0 * $1 }
    guard
      zip(x.shape, repeats).allSatisfy({
        ($0.constant ?? 0).multipliedReportingOverflow(by: $1.constant ?? 0).overflow == false
      })
    else {
      throw OperatorError("too-large", "\(x.shape.text) repeated \(repeats.text) times is too large")
    }
    return [.tensor(TensorType(x.element, shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.input(0), try operands.output())
    return .movement(Movement(kind: x.count == y.count ? .view : .expand, inputs: [x], outputs: [y]))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    // Repetition is an axis of stride 0 before each axis.
    let strides = x.shape.rowMajorStrides
    var (viewShape, viewStrides): ([Int], [Int]) = ([], [])
    for (axis, count) in try inputs.integers(1).enumerated() {
      viewShape += [count, x.shape[axis]]
      viewStrides += [0, strides[axis]]
    }
    return [.tensor(x.rearranged(shape, StridedView(shape: viewShape, strides: viewStrides)))]
  }

  package static var onnxNames: [ONNXName] { ["Tile"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Tile {
    // In opset 1 the inputs were a count and one axis.
    guard node.opset < 6, node.inputs.count == 3 else { return Tile() }
    guard let rank = node.inputTypes.first??.tensor?.rank, case .constant(let tiles) = node.inputs[1],
      case .constant(let axis) = node.inputs[2], let count = try Tensor(tiles)?.integers().first,
      let position = try Tensor(axis)?.integers().first
    else { throw OperatorError("tile-constant", "a tile of opset 1 needs constant repeats") }
    var repeats = [Int](repeating: 1, count: rank)
    repeats[try resolveAxis(Int(position), rank: rank)] = Int(count)
    node.inputs.removeLast()
    node.setInput(1, integers: repeats)
    return Tile()
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Tile") }
}
