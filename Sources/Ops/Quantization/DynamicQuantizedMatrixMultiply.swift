package import IR

/// Product with an integer matrix whose result is real.
///
/// Quantising its input while it runs: a […, k] real, b [k, n], scale of b, optional zero point of b, optional bias [n].
/// With an integer input: a, b, scale of a, scale of b, optional zero points of a and b, optional bias. Output: […, n].
package struct DynamicQuantizedMatrixMultiply: ONNXOperator {
  package static let name = "matmul-dynamic-quantized"

  /// The input is real and is quantised to 8 bits by its range.
  package var quantizesInput: Bool

  package init(quantizesInput: Bool = true) { self.quantizesInput = quantizesInput }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let product = try MatrixProduct(try context.tensor(0).shape, try context.tensor(1).shape)
    return [.tensor(TensorType(try context.tensor(2).element, product.output))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let bias = quantizesInput ? 4 : 6
    var product = try operands.matrixProduct(hasBias: operands.inputs.count > bias && operands.inputs[bias] != nil)
    if quantizesInput {
      product.lhs.encoding.quantization = Encoding.Quantization(storage: .uint8, isAsymmetric: true, isDynamic: true)
    }
    return .contraction(product)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var a = try inputs.tensor(0)
    let b = try inputs.tensor(1)
    let positions = quantizesInput ? (scaleB: 2, zeroB: 3, bias: 4) : (scaleB: 3, zeroB: 5, bias: 6)
    var zeroA: Tensor?
    var scaleA: Tensor
    if quantizesInput {
      let values = try a.floats()
      let pair = DynamicQuantize.parameters(values)
      a = pair.quantized(values, .uint8, a.shape)
      zeroA = Tensor(.uint8, [], saturating: [pair.zero])
      scaleA = Tensor([], floats: [pair.scale])
    } else {
      scaleA = try inputs.tensor(2)
      zeroA = try inputs.optionalTensor(4)
    }
    let sums = try context.integerProduct(a, zeroA: zeroA, b, zeroB: try inputs.optionalTensor(positions.zeroB))
    let plain = Tensor(.float64, sums.shape, .float64(sums.elements.map(Double.init)))
    let scaleB = try inputs.tensor(positions.scaleB)
    var y = try plain.scaled(try plain.doubles(), by: scaleA, along: .rows)
    y = try plain.scaled(y, by: scaleB, along: .columns)
    y = try y.shifted(by: try inputs.optionalTensor(positions.bias), shape: sums.shape)
    return [.tensor(Tensor(scaleB.element, sums.shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] {
    ["DynamicQuantizeMatMul", "MatMulIntegerToFloat"].map { ONNXName(domain: "com.microsoft", $0) }
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DynamicQuantizedMatrixMultiply {
    DynamicQuantizedMatrixMultiply(quantizesInput: node.name.type == "DynamicQuantizeMatMul")
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", quantizesInput ? "DynamicQuantizeMatMul" : "MatMulIntegerToFloat"))
  }
}
