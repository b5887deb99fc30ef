package import IR
internal import Foundation

/// Softmax, its logarithm, or a one at the largest element (hardmax), along one axis. Input and output: x, of one shape.
package struct Softmax: ONNXOperator {
  package static let name = "softmax"

  package enum Function: String, Codable, Sendable, Hashable, CaseIterable {
    case softmax = "Softmax"
    case logarithm = "LogSoftmax"
    case hardmax = "Hardmax"
  }

  package var function: Function
  package var axis: Int
  /// All axes from `axis` on are one, as before opset 13.
  package var isFlattened: Bool

  package init(_ function: Function = .softmax, axis: Int = -1, isFlattened: Bool = false) {
    self.function = function
    self.axis = axis
    self.isFlattened = isFlattened
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    if !(x.rank == 0 && isFlattened) { _ = try resolveAxis(axis, rank: max(1, x.rank)) }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  private func split(_ shape: [Int]) throws(OperatorError) -> AxisSplit {
    if shape.isEmpty { return AxisSplit([1], axis: 0) }
    let axis = try resolveAxis(axis, rank: shape.count)
    return isFlattened ? AxisSplit(Array(shape[..<axis]) + [shape[axis...].reduce(1, *)], axis: axis) : AxisSplit(shape, axis: axis)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let split = try split(operands.shape(ofInput: 0))
    return .reduction(
      Reduction(
        kind: function == .hardmax ? .argument : .softmax, rows: split.outer * split.inner, columns: split.extent,
        inputs: [try operands.input(0)], outputs: [try operands.output()],
        costPerElement: function == .hardmax ? ArithmeticCost(simple: 1) : ArithmeticCost(simple: 4, special: 1)))
  }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    guard let x = operands.shape(.input(0)), let axis = try? resolveAxis(axis, rank: max(1, x.count)) else { return [] }
    return operands.sameAxisTies(except: isFlattened ? Set(axis..<max(axis, x.count)) : [axis])
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let split = try split(tensor.shape)
    if let kernels = context.kernels, function == .softmax, split.inner == 1, tensor.element == .float32,
      case .float32(let x) = tensor.elements
    {
      return [.tensor(Tensor(.float32, tensor.shape, .float32(kernels.softmax(x, columns: split.extent))))]
    }
    var x = try tensor.doubles()
    split.forEachLine { start in
      apply(&x, stride(from: start, to: start + split.extent * split.inner, by: split.inner))
    }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
  }

  private func apply(_ x: inout [Double], _ line: StrideTo<Int>) {
    var largest = -Double.infinity
    var position = -1
    for index in line where x[index] > largest || position < 0 {
      largest = x[index]
      position = index
    }
    if function == .hardmax {
      for index in line { x[index] = index == position ? 1 : 0 }
      return
    }
    var sum = 0.0
    for index in line {
      x[index] -= largest
      let power = Foundation.exp(x[index])
      sum += power
      if function == .softmax { x[index] = power }
    }
    let logarithm = Foundation.log(sum)
    for index in line { x[index] = function == .softmax ? x[index] / sum : x[index] - logarithm }
  }

  package static var onnxNames: [ONNXName] { Function.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Softmax {
    guard let function = Function(rawValue: node.name.type) else {
      throw OperatorError("unknown-function", "no softmax function \(node.name.type)")
    }
    if node.opset >= 13 { return Softmax(function, axis: try node.integer("axis") ?? -1) }
    let axis = try node.integer("axis") ?? 1
    // Flattening changes nothing when only axes of extent 1 follow.
    guard let shape = node.inputTypes.first??.tensor?.shape, axis >= -shape.count, axis < shape.count else {
      return Softmax(function, axis: axis, isFlattened: true)
    }
    let position = axis < 0 ? axis + shape.count : axis
    return Softmax(function, axis: position, isFlattened: shape[(position + 1)...].contains { $0 != 1 })
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(function.rawValue), [("axis", .integer(axis))]) }
}

extension Softmax: ONNXDecomposable {
  /// Axes taken as one are a form of old opsets: flatten, apply, shape back.
  package var isAbsentFromONNX: Bool { isFlattened }

  package func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph {
    var builder = BodyBuilder("softmax", context)
    let x = builder.inputs[0]
    let shape = try builder.add(ShapeOf(), [x], "shape")
    let rows = try builder.add(Flatten(axis: axis), [x], "rows")
    let y = try builder.add(Softmax(function, axis: 1), [rows], "softmax")
    return builder.finish(try builder.add(Reshape(), [y, shape], "back"))
  }
}
