package import IR

/// Sums of products over labelled axes, in NumPy's notation. Inputs: any number of operands. Output: axes as the equation says.
package struct Einsum: ONNXOperator {
  package static let name = "einsum"

  package var equation: String

  package init(_ equation: String) { self.equation = equation }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var shapes: [[Dimension]] = []
    for index in context.inputs.indices { shapes.append(try context.tensor(index).shape) }
    let parsed = try EinsumEquation(equation, ranks: shapes.map(\.count))
    let extents = try parsed.extents(shapes)
    return [.tensor(TensorType(try context.tensor(0).element, parsed.result.map { extents[$0] ?? 1 }))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    var shapes: [[Int]] = []
    for index in operands.inputs.indices { shapes.append(try operands.shape(ofInput: index)) }
    let parsed = try EinsumEquation(equation, ranks: shapes.map(\.count))
    let extents = try parsed.extents(shapes.map { $0.map(Dimension.constant) }).compactMapValues(\.constant)
    func count(_ labels: some Sequence<EinsumEquation.Label>) -> Int { labels.reduce(1) { $0 * (extents[$1] ?? 1) } }
    let result = Set(parsed.result)
    guard shapes.count == 2 else {
      let total = count(extents.keys)
      return .reduction(
        Reduction(
          kind: .sum, rows: count(result), columns: total / max(1, count(result)), inputs: try operands.presentInputs(),
          outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: shapes.count)))
    }
    let (a, b) = (Set(parsed.terms[0]), Set(parsed.terms[1]))
    return .contraction(
      Contraction(
        batch: count(a.intersection(b).intersection(result)), m: count(a.subtracting(b).intersection(result)),
        n: count(b.subtracting(a).intersection(result)), k: count(a.union(b).subtracting(result)), lhs: try operands.input(0),
        rhs: try operands.input(1), output: try operands.output()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var tensors: [Tensor] = []
    for index in inputs.indices { tensors.append(try inputs.tensor(index)) }
    guard let first = tensors.first else { throw OperatorError("missing-input", "an einsum needs an operand") }
    let parsed = try EinsumEquation(equation, ranks: tensors.map(\.rank))
    let extents = try parsed.extents(tensors.map { $0.shape.map(Dimension.constant) }).compactMapValues(\.constant)
    let order = parsed.result + extents.keys.filter { !parsed.result.contains($0) }.sorted()
    let loops = order.map { extents[$0] ?? 1 }
    let shape = parsed.result.map { extents[$0] ?? 1 }
    var strides: [[Int]] = []
    var values: [[Double]] = []
    for (term, tensor) in zip(parsed.terms, tensors) {
      let own = Broadcast.strides(tensor.shape, in: tensor.shape)
      // A label that stands twice in a term walks the diagonal: its strides add up.
      strides.append(order.map { label in term.indices.reduce(0) { $0 + (term[$1] == label ? own[$1] : 0) } })
      values.append(try tensor.doubles())
    }
    let inner = loops[shape.count...].reduce(1, *)
    var result = [Double](repeating: 0, count: shape.reduce(1, *))
    var index = [Int](repeating: 0, count: loops.count)
    var offsets = [Int](repeating: 0, count: tensors.count)
    for position in 0..<(result.count * inner) {
      var product = 1.0
      for operand in values.indices { product *= values[operand][offsets[operand]] }
      result[position / inner] += product
      var axis = loops.count - 1
      while axis >= 0 {
        index[axis] += 1
        let wraps = index[axis] == loops[axis]
        for operand in offsets.indices { offsets[operand] += strides[operand][axis] * (wraps ? 1 - loops[axis] : 1) }
        guard wraps else { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return [.tensor(Tensor(first.element, shape, rounding: result))]
  }

  package static var onnxNames: [ONNXName] { ["Einsum"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Einsum {
    guard let equation = try node.string("equation") else {
      throw OperatorError("missing-attribute", "Einsum needs the attribute 'equation'")
    }
    return Einsum(equation)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Einsum", [("equation", .string(equation))]) }
}
