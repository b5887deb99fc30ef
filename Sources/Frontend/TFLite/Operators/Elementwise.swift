internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let elementwise: [TFLiteMapping] =
    [
      unary(101, "ABS", .abs), unary(104, "CEIL", .ceil), unary(108, "COS", .cos), unary(47, "EXP", .exp),
      unary(8, "FLOOR", .floor), unary(117, "HARD_SWISH", .hardSwish), unary(73, "LOG", .log), unary(14, "LOGISTIC", .sigmoid),
      unary(59, "NEG", .neg), unary(19, "RELU", .relu), unary(116, "ROUND", .round), unary(158, "SIGN", .sign),
      unary(66, "SIN", .sin), unary(75, "SQRT", .sqrt), unary(28, "TANH", .tanh),
      limited(21, "RELU6", .relu6), limited(20, "RELU_N1_TO_1", .reluSymmetric), limited(152, "RELU_0_TO_1", .reluUnit),
      binary(0, "ADD", .add, activation: 0), binary(41, "SUB", .sub, activation: 0), binary(18, "MUL", .mul, activation: 0),
      binary(42, "DIV", .div, activation: 0), binary(78, "POW", .pow), binary(95, "FLOOR_MOD", .mod),
      binary(71, "EQUAL", .equal), binary(58, "LESS", .less), binary(61, "GREATER", .greater),
      binary(63, "LESS_EQUAL", .lessOrEqual), binary(62, "GREATER_EQUAL", .greaterOrEqual),
      binary(84, "LOGICAL_OR", .or), binary(86, "LOGICAL_AND", .and), binary(54, "PRELU", .prelu),
      binary(160, "BITWISE_XOR", .bitwiseXor), binary(161, "RIGHT_SHIFT", .shiftRight),
      variadic(55, "MAXIMUM", .max), variadic(57, "MINIMUM", .min), variadic(106, "ADD_N", .sum),
    ] + composed

  /// y = f(x)
  private static func unary(_ code: Int, _ name: String, _ function: UnaryElementwise.Function) -> TFLiteMapping {
    TFLiteMapping(code, name) { (node) throws(Failure) in
      try node.store(try node.add(UnaryElementwise(function), [try node.real(0)]))
    }
  }

  /// An operator that is nothing but an activation.
  private static func limited(_ code: Int, _ name: String, _ activation: TFLiteActivation) -> TFLiteMapping {
    TFLiteMapping(code, name) { (node) throws(Failure) in
      let range = activation.range ?? 0...0
      let x = try node.real(0)
      let element = try node.tensorType(x).element
      return try node.store(
        try node.add(Clip(), [x, node.scalar(range.lowerBound, element), node.scalar(range.upperBound, element)]))
    }
  }

  /// y = f(a, b), then the activation in slot `activation` of the options.
  private static func binary(
    _ code: Int, _ name: String, _ function: BinaryElementwise.Function, activation: Int? = nil
  ) -> TFLiteMapping {
    TFLiteMapping(code, name) { (node) throws(Failure) in
      let y = try node.add(BinaryElementwise(function), [try node.real(0), try node.real(1)])
      return try node.store(try activation.map { (slot) throws(Failure) in try node.activated(y, try node.code(slot)) } ?? y)
    }
  }

  private static func variadic(_ code: Int, _ name: String, _ function: VariadicElementwise.Function) -> TFLiteMapping {
    TFLiteMapping(code, name) { (node) throws(Failure) in
      var operands: [ValueID] = []
      for index in 0..<node.inputCount { operands.append(try node.real(index)) }
      return try node.store(try node.add(VariadicElementwise(function), operands))
    }
  }

  /// What the representation has no single operator for.
  private static let composed: [TFLiteMapping] = [
    TFLiteMapping(98, "LEAKY_RELU") { (node) throws(Failure) in
      try node.store(try node.add(ParametricUnary(.leakyRelu, alpha: try node.float(0)), [try node.real(0)]))
    },
    TFLiteMapping(111, "ELU") { (node) throws(Failure) in
      try node.store(try node.add(ParametricUnary(.elu), [try node.real(0)]))
    },
    TFLiteMapping(150, "GELU") { (node) throws(Failure) in
      try node.store(try node.add(Gelu(try node.flag(0) ? .tanh : .erf), [try node.real(0)]))
    },
    TFLiteMapping(87, "LOGICAL_NOT") { (node) throws(Failure) in try node.add(LogicalNot(), [try node.real(0)]) },
    TFLiteMapping(92, "SQUARE") { (node) throws(Failure) in
      let x = try node.real(0)
      return try node.store(try node.add(BinaryElementwise(.mul), [x, x]))
    },
    TFLiteMapping(99, "SQUARED_DIFFERENCE") { (node) throws(Failure) in
      let difference = try node.add(BinaryElementwise(.sub), [try node.real(0), try node.real(1)], "difference")
      return try node.store(try node.add(BinaryElementwise(.mul), [difference, difference]))
    },
    TFLiteMapping(76, "RSQRT") { (node) throws(Failure) in
      let root = try node.add(UnaryElementwise(.sqrt), [try node.real(0)], "root")
      return try node.store(try node.add(UnaryElementwise(.reciprocal), [root]))
    },
    TFLiteMapping(72, "NOT_EQUAL") { (node) throws(Failure) in
      let equal = try node.add(BinaryElementwise(.equal), [try node.real(0), try node.real(1)], "equal")
      return try node.add(LogicalNot(), [equal])
    },
    TFLiteMapping(90, "FLOOR_DIV") { (node) throws(Failure) in try node.flooredQuotient() },
    TFLiteMapping(93, "ZEROS_LIKE") { (node) throws(Failure) in
      let x = try node.stored(0)
      return try node.add(Expand(), [node.scalar(0, try node.tensorType(x).element), try node.add(ShapeOf(), [x], "shape")])
    },
  ]
}

extension TFLiteNode {
  /// Division rounded down; of integers, the quotient without the remainder of the divisor's sign.
  fileprivate func flooredQuotient() throws(Failure) -> ValueID {
    let (a, b) = (try real(0), try real(1))
    guard try tensorType(a).element.isInteger else {
      return try store(try add(UnaryElementwise(.floor), [try add(BinaryElementwise(.div), [a, b], "quotient")]))
    }
    let remainder = try add(BinaryElementwise(.mod), [a, b], "remainder")
    return try add(BinaryElementwise(.div), [try add(BinaryElementwise(.sub), [a, remainder], "multiple"), b])
  }
}
