package import IR

/// Several products of one tensor with weights of their own, carried out as one: queries, keys and values; gate and up.
///
/// Inputs: x […, k], then a weight [k, nᵢ] and a bias [nᵢ] (or none) for each result. Outputs: […, nᵢ]. The weights stand
/// side by side in one product of Σnᵢ columns; they stay separate constants with encodings of their own.
package struct ProjectionGroup: Operator {
  package static let name = "projections"

  package var count: Int

  package init(count: Int) { self.count = count }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard count > 0, context.inputs.count == 1 + 2 * count, !x.shape.isEmpty else {
      throw OperatorError("operands-match", "\(count) projections take \(1 + 2 * count) inputs")
    }
    var types: [ValueType] = []
    for index in 0..<count {
      let weight = try context.tensor(1 + 2 * index)
      guard weight.rank == 2 else { throw OperatorError("ranks-match", "weights \(weight.shape.text) must be matrices") }
      types.append(.tensor(TensorType(x.element, try MatrixProduct(x.shape, weight.shape).output)))
    }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    var parts: [Contraction] = []
    for index in 0..<count {
      var part = try operands.matrixProduct(0, 1 + 2 * index)
      part.output = try operands.output(index)
      parts.append(part)
    }
    guard var whole = parts.first else { throw OperatorError("operands-match", "a group of no projections") }
    for part in parts.dropFirst() {
      whole.n += part.n
      whole.rhs.count += part.rhs.count
      whole.output.count += part.output.count
    }
    whole.hasBias = operands.inputs.indices.contains { $0 > 0 && $0 % 2 == 0 && operands.inputs[$0] != nil }
    return .contraction(whole)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var results: [Datum] = []
    for index in 0..<count {
      let product = try MatrixMultiply().evaluate([inputs[0], .tensor(try inputs.tensor(1 + 2 * index))], context)
      guard let bias = try inputs.optionalTensor(2 + 2 * index) else {
        results += product
        continue
      }
      results.append(.tensor(try BinaryElementwise.Function.add.apply(try product.map { $0 }.tensor(0), bias)))
    }
    return results
  }
}

extension ProjectionGroup: ONNXDecomposable {
  package var onnxBodyOutputs: Int { count }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var body = BodyBuilder("projections", context)
    var outputs: [ValueID] = []
    var next = 1
    for index in 0..<count {
      var y = try body.add(MatrixMultiply(), [body.inputs[0], body.inputs[next]], "product\(index)")
      next += 1
      if context.hasInput(2 + 2 * index) {
        y = try body.add(BinaryElementwise(.add), [y, body.inputs[next]], "biased\(index)")
        next += 1
      }
      outputs.append(y)
    }
    return body.finish(outputs)
  }
}
