package import IR

/// y = a·dequantised(b)ᵀ with weights that are 4-bit codes of 16 numbers, scaled per block (com.microsoft MatMulBnb4).
///
/// Inputs: a […, k] ([…, n] when b is not transposed), packed b [n·k/2] (first element in the high half of a byte),
/// scales [n·k/block]: the largest magnitude of each block of consecutive weights. Output: […, n] (or […, k]).
/// Source of the numbers: Dettmers et al., "QLoRA" (2023), and the bitsandbytes library.
package struct CodebookMatrixMultiply: ONNXOperator {
  package static let name = "matmul-codebook"

  package enum Code: String, Codable, Sendable, Hashable, CaseIterable {
    /// Sign and a 3-bit floating-point magnitude.
    case fp4
    /// Quantiles of a normal distribution.
    case nf4
  }

  package var code: Code
  package var depth: Int
  package var columns: Int
  package var blockSize: Int
  package var transposesB: Bool

  package init(code: Code, depth: Int, columns: Int, blockSize: Int, transposesB: Bool = true) {
    self.code = code
    self.depth = depth
    self.columns = columns
    self.blockSize = blockSize
    self.transposesB = transposesB
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let a = try context.tensor(0)
    guard blockSize >= 2, blockSize < 1 << 30, (1..<1 << 30).contains(depth), (1..<1 << 30).contains(columns) else {
      throw OperatorError("block-form", "\(columns) × \(depth) weights in blocks of \(blockSize) are not supported")
    }
    let inner = transposesB ? depth : columns
    guard a.rank >= 1, a.shape.last?.constant.map({ $0 == inner }) ?? true else {
      throw OperatorError("inner-extents", "the input \(a.shape.text) does not end in \(inner) features")
    }
    return [.tensor(TensorType(a.element, Array(a.shape.dropLast()) + [.constant(transposesB ? columns : depth)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let a = try operands.input(0)
    let inner = transposesB ? depth : columns
    let weights = Operand(
      element: a.element,
      encoding: Encoding(
        quantization: Encoding.Quantization(
          storage: .uint4, granularity: .group(axis: 1, size: blockSize), scale: try operands.input(2).element)),
      count: depth * columns, isConstant: try operands.input(1).isConstant)
    return .contraction(
      Contraction(
        batch: 1, m: a.count / max(1, inner), n: transposesB ? columns : depth, k: inner, lhs: a, rhs: weights,
        output: try operands.output()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let weights = try weights(inputs)
    let matrix = Tensor([columns, depth], floats: weights.map(Float.init))
    if let y = try context.product(a, matrix, transposesB: transposesB) { return [.tensor(Tensor(y.shape, floats: y.elements))] }
    let plain = ([columns, depth], weights)
    let y = try MatrixProduct.multiply((a.shape, try a.doubles()), transposesB ? MatrixProduct.transposed(plain) : plain)
    return [.tensor(Tensor(a.element, y.shape, rounding: y.elements))]
  }

  /// The weights as numbers, [n, k].
  private func weights(_ inputs: [Datum?]) throws(OperatorError) -> [Double] {
    let packed = try inputs.tensor(1).integers()
    let scales = try inputs.tensor(2).doubles()
    let count = try [columns, depth].evaluableCount()
    guard packed.count == count.ceilingQuotient(2), blockSize > 0, scales.count == count.ceilingQuotient(blockSize) else {
      throw OperatorError("block-form", "weights and scales do not fit \(columns) × \(depth) in blocks of \(blockSize)")
    }
    let numbers = code.numbers
    return (0..<count).map { index in
      let byte = packed[index / 2]
      return numbers[Int((index % 2 == 0 ? byte >> 4 : byte) & 15)] * scales[index / blockSize]
    }
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "MatMulBnb4")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> CodebookMatrixMultiply {
    guard let depth = try node.integer("K"), let columns = try node.integer("N"), let blockSize = try node.integer("block_size"),
      let kind = try node.integer("quant_type"), [0, 1].contains(kind)
    else { throw OperatorError("missing-attribute", "MatMulBnb4 needs 'K', 'N', 'block_size' and a 'quant_type' of 0 or 1") }
    node.ignore("training_mode")
    return CodebookMatrixMultiply(
      code: kind == 0 ? .fp4 : .nf4, depth: depth, columns: columns, blockSize: blockSize,
      transposesB: try node.integer("transB") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "MatMulBnb4"),
      [
        ("K", .integer(depth)), ("N", .integer(columns)), ("block_size", .integer(blockSize)),
        ("quant_type", .integer(code == .fp4 ? 0 : 1)), ("transB", .integer(transposesB ? 1 : 0)),
      ])
  }
}

extension CodebookMatrixMultiply.Code {
  /// What each code stands for, before the scale.
  fileprivate var numbers: [Double] {
    switch self {
    case .fp4:
      let magnitudes = [0, 0.0625 / 12, 8.0 / 12, 1, 4.0 / 12, 6.0 / 12, 2.0 / 12, 3.0 / 12]
      return magnitudes + magnitudes.map { -$0 }
    case .nf4:
      return [
        -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
        -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
      ]
    }
  }
}
