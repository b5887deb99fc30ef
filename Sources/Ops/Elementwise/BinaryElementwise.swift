package import IR

/// y = f(a, b) for every element of two broadcast tensors, without further attributes. One table row per function.
///
/// Comparisons and predicates give bool; everything else keeps the element type of `a`.
package struct BinaryElementwise: ONNXOperator {
  package static let name = "binary"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case add, sub, mul, div, pow, prelu
    /// Remainder with the sign of the divisor.
    case mod
    /// Remainder with the sign of the dividend, as C's `fmod`.
    case fmod
    case equal, less, greater
    case lessOrEqual = "less-or-equal"
    case greaterOrEqual = "greater-or-equal"
    case and, or, xor
    case bitwiseAnd = "bitwise-and"
    case bitwiseOr = "bitwise-or"
    case bitwiseXor = "bitwise-xor"
    case shiftLeft = "shift-left"
    case shiftRight = "shift-right"
  }

  package var function: Function

  package init(_ function: Function) { self.function = function }

  /// A case without payload is one byte, its place in the table.
  package var functionIndex: UInt8 { unsafeBitCast(function, to: UInt8.self) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (a, b) = (try context.element(0), try context.element(1))
    guard a == b || function == .pow else {
      throw OperatorError("element-types-match", "\(function.rawValue) of \(a.rawValue) and \(b.rawValue)")
    }
    return [try context.broadcastType(function.isPredicate ? .bool : a, of: 0..<2)]
  }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] {
    guard let a = context.known(0), let b = context.known(1), a.count == b.count || a.count == 1 || b.count == 1,
      let x = context.type(0)?.tensor, let y = context.type(1)?.tensor, x.rank <= 1, y.rank <= 1
    else { return [] }
    var result: ShapeContents = []
    for index in 0..<(a.isEmpty || b.isEmpty ? 0 : max(a.count, b.count)) {
      let (left, right) = (a[a.count == 1 ? 0 : index], b[b.count == 1 ? 0 : index])
      guard let value = function.onDimensions(left, right, exactly: x.element.isFloat) else { return [] }
      result.append(value)
    }
    return [result]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let cost = function.cost
    return try operands.pointwise(function.rawValue, simple: cost.simple, special: cost.special)
  }

  package var storedForm: StoredForm? {
    switch function {
    case .add, .sub, .mul, .prelu: .rescaled
    default: nil
    }
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    [.tensor(try function.apply(try inputs.tensor(0), try inputs.tensor(1)))]
  }

  package static var onnxNames: [ONNXName] {
    ["Mod", "BitShift"] + Function.allCases.compactMap { $0.plainONNXName.map { ONNXName($0) } }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BinaryElementwise {
    node.ignore("consumed_inputs")
    switch node.name.type {
    case "Mod": return BinaryElementwise(try node.integer("fmod") ?? 0 == 0 ? .mod : .fmod)
    case "BitShift": return BinaryElementwise(try node.string("direction") == "LEFT" ? .shiftLeft : .shiftRight)
    default: break
    }
    guard let function = Function.allCases.first(where: { $0.plainONNXName == node.name.type }) else {
      throw OperatorError("unknown-function", "no elementwise function \(node.name.type)")
    }
    if node.opset < 7 { try normaliseBroadcast(&node, function) }
    return BinaryElementwise(function)
  }

  package func exportONNX() -> ONNXSpelling {
    switch function {
    case .mod: ONNXSpelling("Mod")
    case .fmod: ONNXSpelling("Mod", [("fmod", .integer(1))])
    case .shiftLeft: ONNXSpelling("BitShift", [("direction", .string("LEFT"))])
    case .shiftRight: ONNXSpelling("BitShift", [("direction", .string("RIGHT"))])
    default: ONNXSpelling(ONNXName(function.plainONNXName ?? "Identity"))
    }
  }

  /// Before opset 7, b's axes stood at `axis` of a's (default: the last ones) and slopes of PRelu at the channels.
  private static func normaliseBroadcast(_ node: inout ONNXNode, _ function: Function) throws(OperatorError) {
    node.ignore("broadcast")
    let axis = try node.integer("axis")
    guard node.inputTypes.count > 1, let a = node.inputTypes[0]?.tensor, let b = node.inputTypes[1]?.tensor, b.rank > 0
    else { return }
    let start: Int
    if function == .prelu, b.rank == 1, a.rank > 2, b.shape[0] != 1 {
      start = 1
    } else if let axis {
      start = axis < 0 ? axis + a.rank : axis
    } else {
      return
    }
    let trailing = a.rank - start - b.rank
    guard trailing > 0 else { return }
    let axes = Array(b.rank..<b.rank + trailing)
    switch node.inputs[1] {
    case .value(let value): node.inputs[1] = .unsqueezed(value, axes: axes)
    case .constant(var constant):
      constant.type.shape += axes.map { _ in 1 }
      node.inputs[1] = .constant(constant)
    case .unsqueezed, .transposed, .absent: break
    }
  }
}

extension BinaryElementwise.Function {
  /// The ONNX operator without attributes that is this function.
  fileprivate var plainONNXName: String? {
    switch self {
    case .add: "Add"
    case .sub: "Sub"
    case .mul: "Mul"
    case .div: "Div"
    case .pow: "Pow"
    case .prelu: "PRelu"
    case .equal: "Equal"
    case .less: "Less"
    case .greater: "Greater"
    case .lessOrEqual: "LessOrEqual"
    case .greaterOrEqual: "GreaterOrEqual"
    case .and: "And"
    case .or: "Or"
    case .xor: "Xor"
    case .bitwiseAnd: "BitwiseAnd"
    case .bitwiseOr: "BitwiseOr"
    case .bitwiseXor: "BitwiseXor"
    case .mod, .fmod, .shiftLeft, .shiftRight: nil
    }
  }

  /// The result is a truth value.
  package var isPredicate: Bool {
    switch self {
    case .equal, .less, .greater, .lessOrEqual, .greaterOrEqual, .and, .or, .xor: true
    case .add, .sub, .mul, .div, .pow, .prelu, .mod, .fmod, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft,
      .shiftRight:
      false
    }
  }

  package var isCommutative: Bool {
    switch self {
    case .add, .mul, .equal, .and, .or, .xor, .bitwiseAnd, .bitwiseOr, .bitwiseXor: true
    case .sub, .div, .pow, .prelu, .mod, .fmod, .less, .greater, .lessOrEqual, .greaterOrEqual, .shiftLeft, .shiftRight:
      false
    }
  }

  /// Arithmetic per element.
  var cost: ArithmeticCost {
    switch self {
    case .div: ArithmeticCost(special: 1)
    // exp2(b · log2(a)), as every library computes a general power.
    case .pow: ArithmeticCost(simple: 1, special: 2)
    case .mod, .fmod: ArithmeticCost(simple: 2, special: 1)
    case .prelu: ArithmeticCost(simple: 2)
    default: ArithmeticCost(simple: 1)
    }
  }

  /// The function on extents, as far as the algebra of dimensions goes. `exactly` refuses quotients with a remainder,
  /// which floating-point tensors would keep.
  func onDimensions(_ a: Dimension, _ b: Dimension, exactly: Bool) -> Dimension? {
    switch self {
    case .add: return a + b
    case .sub: return a - b
    case .mul: return a * b
    case .div:
      if exactly {
        guard let x = a.constant, let y = b.constant, y > 0, x % y == 0 else { return nil }
        return .constant(x / y)
      }
      if let x = a.constant, let y = b.constant {
        return y == 0 ? nil : .constant(x.dividedReportingOverflow(by: y).partialValue)
      }
      return a.floorDivided(by: b)
    case .mod:
      guard b.constant.map({ $0 > 0 }) ?? true else { return nil }
      return a - a.floorDivided(by: b) * b
    case .equal where a == b: return 1
    case .equal, .less, .greater, .lessOrEqual, .greaterOrEqual, .and, .or:
      guard let x = a.constant, let y = b.constant else { return nil }
      switch self {
      case .equal: return x == y ? 1 : 0
      case .less: return x < y ? 1 : 0
      case .greater: return x > y ? 1 : 0
      case .lessOrEqual: return x <= y ? 1 : 0
      case .greaterOrEqual: return x >= y ? 1 : 0
      case .and: return x != 0 && y != 0 ? 1 : 0
      default: return x != 0 || y != 0 ? 1 : 0
      }
    default: return nil
    }
  }
}
