internal import IR
internal import Ops

/// The scale of every vector along an axis: s = max(max|x|, 10⁻¹⁰) / largest stored number, in single precision.
struct TokenScale {
  let axis: Int
  let storage: ElementType
  /// A vector of zeros has the smallest scale that still divides.
  private static let least: Float = 1e-10

  init(axis: Int, storage: ElementType) {
    self.axis = axis
    self.storage = storage
  }

  private var largest: Float { Float(QuantizationScheme(storage: storage).codeRange.upperBound) }

  /// Operators that find the scales of a value: shaped like it, with an extent of 1 along the axis.
  func add(of value: ValueID, name: String, _ rewriter: inout Rewriter) throws(OperatorError) -> ValueID {
    func add(_ operation: any Operator, _ inputs: [ValueID?], _ suffix: String) throws(OperatorError) -> ValueID {
      let node = try rewriter.addNode(operation, inputs, name: "\(name)_\(suffix)", origin: Origin())
      return rewriter.graph[node].outputs[0]
    }
    let axes = rewriter.addConstant(Constant(Tensor(.int64, [1], .int64([Int64(axis)]))), name: "\(name)_axis")
    let least = rewriter.addConstant(Constant(Tensor([], floats: [Self.least])), name: "\(name)_least")
    let steps = rewriter.addConstant(Constant(Tensor([], floats: [largest])), name: "\(name)_steps")
    let size = try add(UnaryElementwise(.abs), [value], "size")
    let most = try add(Reduce(.maximum), [size, axes], "largest")
    let bounded = try add(VariadicElementwise(.max), [most, least], "bounded")
    return try add(BinaryElementwise(.div), [bounded, steps], "scale")
  }

  /// The same of numbers at hand.
  func scales(of tensor: Tensor) throws(OperatorError) -> Tensor {
    let axis = try resolveAxis(axis, rank: tensor.rank)
    let values = try tensor.floats()
    let layout = ScaleLayout(tensor.shape, .group(axis: axis, size: max(1, tensor.shape[axis])))
    var scales = [Float](repeating: Self.least, count: layout.count)
    layout.forEachRun { start, stride, length, index in
      for step in 0..<length { scales[index] = max(scales[index], abs(values[start + step * stride])) }
    }
    var shape = tensor.shape
    shape[axis] = 1
    return Tensor(shape, floats: scales.map { $0 / largest })
  }
}
