package import IR

extension OperandTypes {
  /// Input `index` as an operand with numbers for extents.
  package func input(_ index: Int) throws(OperatorError) -> Operand {
    guard index < inputs.count, let type = inputs[index] else { throw OperatorError("missing-input", "input \(index) is missing") }
    return try OperandTypes.operand(type, isConstant: index < isConstant.count && isConstant[index])
  }

  package func output(_ index: Int = 0) throws(OperatorError) -> Operand {
    guard index < outputs.count else { throw OperatorError("missing-output", "output \(index) is missing") }
    return try OperandTypes.operand(outputs[index], isConstant: false)
  }

  /// Every present tensor input.
  package func presentInputs() throws(OperatorError) -> [Operand] {
    var result: [Operand] = []
    for index in inputs.indices where inputs[index] != nil { result.append(try input(index)) }
    return result
  }

  package func allOutputs() throws(OperatorError) -> [Operand] {
    var result: [Operand] = []
    for index in outputs.indices { result.append(try output(index)) }
    return result
  }

  /// The numbers of a tensor's shape.
  package func shape(ofInput index: Int) throws(OperatorError) -> [Int] {
    guard index < inputs.count, let type = inputs[index]?.tensor else { throw OperatorError("missing-input", "input \(index) is missing") }
    return try OperandTypes.numbers(type)
  }

  package func shape(ofOutput index: Int = 0) throws(OperatorError) -> [Int] {
    guard index < outputs.count, let type = outputs[index].tensor else {
      throw OperatorError("missing-output", "output \(index) is missing")
    }
    return try OperandTypes.numbers(type)
  }

  /// A one-to-one computation over the outputs.
  package func pointwise(
    _ function: String, simple: Int = 0, special: Int = 0, hasStatistics: Bool = false
  ) throws(OperatorError) -> Computation {
    let out = try output()
    return .pointwise(
      Pointwise(
        function: function, count: out.count, inputs: try presentInputs(), outputs: try allOutputs(),
        costPerElement: ArithmeticCost(simple: simple, special: special), hasStatistics: hasStatistics))
  }

  package func movement(_ kind: Movement.Kind) throws(OperatorError) -> Computation {
    .movement(Movement(kind: kind, inputs: try presentInputs(), outputs: try allOutputs()))
  }

  private static func numbers(_ type: TensorType) throws(OperatorError) -> [Int] {
    guard let shape = type.constantShape else {
      throw OperatorError("unbound-dimension", "the shape \(type.shape.text) still has unbound dimensions")
    }
    return shape
  }

  private static func operand(_ type: ValueType, isConstant: Bool) throws(OperatorError) -> Operand {
    switch type {
    case .tensor(let tensor):
      guard let count = tensor.elementCount else {
        throw OperatorError("unbound-dimension", "the shape \(tensor.shape.text) has unbound dimensions or too many elements")
      }
      return Operand(element: tensor.element, encoding: tensor.encoding, count: count, isConstant: isConstant)
    case .unranked(let element): return Operand(element: element, count: 0)
    case .sequence(let inner), .optional(let inner): return try operand(inner, isConstant: isConstant)
    }
  }
}
