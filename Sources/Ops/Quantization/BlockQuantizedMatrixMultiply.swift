package import IR

/// y = a·dequantised(b)ᵀ with weights of 2, 4 or 8 bits that share a scale per block (MatMulNBits).
///
/// Inputs: a […, k], packed b [n, blocks, block·bits/8], scales [n·blocks], optional zero points (packed, or of the type
/// of the scales), optional order of the groups, optional bias [n]. Output: […, n].
package struct BlockQuantizedMatrixMultiply: ONNXOperator {
  package static let name = "matmul-block-quantized"

  package var depth: Int
  package var columns: Int
  package var bits: Int
  package var blockSize: Int
  /// How exact a faster kernel must be; ONNX Runtime's scale from 0 (as it likes) to 4 (int8 activations).
  package var accuracy: Int

  package init(depth: Int, columns: Int, bits: Int = 4, blockSize: Int, accuracy: Int = 0) {
    self.depth = depth
    self.columns = columns
    self.bits = bits
    self.blockSize = blockSize
    self.accuracy = accuracy
  }

  private var blocks: Int { depth.ceilingQuotient(blockSize) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let a = try context.tensor(0)
    guard [2, 4, 8].contains(bits), blockSize > 0, blockSize < 1 << 30, blockSize * bits % 8 == 0, (1..<1 << 30).contains(depth),
      (1..<1 << 30).contains(columns)
    else {
      throw OperatorError("block-form", "\(bits)-bit blocks of \(blockSize) are not supported")
    }
    guard a.rank >= 1, a.shape.last?.constant.map({ $0 == depth }) ?? true else {
      throw OperatorError("inner-extents", "the input \(a.shape.text) does not end in \(depth) features")
    }
    return [.tensor(TensorType(a.element, Array(a.shape.dropLast()) + [.constant(columns)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let a = try operands.input(0)
    let packed = try operands.input(1)
    let hasZeros = operands.inputs.count > 3 && operands.inputs[3] != nil
    let storage: ElementType = bits == 2 ? .uint2 : bits == 4 ? .uint4 : .uint8
    let weights = Operand(
      element: a.element,
      encoding: Encoding(
        quantization: Encoding.Quantization(
          storage: storage, granularity: .group(axis: 1, size: blockSize), scale: try operands.input(2).element,
          isAsymmetric: hasZeros)), count: depth * columns, isConstant: packed.isConstant)
    return .contraction(
      Contraction(
        batch: 1, m: a.count / max(1, depth), n: columns, k: depth, lhs: a, rhs: weights, output: try operands.output(),
        hasBias: operands.inputs.count > 5 && operands.inputs[5] != nil))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let a = try inputs.tensor(0)
    let weights = try weights(inputs)
    let matrix = Tensor([columns, depth], floats: weights.map(Float.init))
    if let y = try context.product(a, matrix, transposesB: true) {
      let product = Tensor(y.shape, floats: y.elements)
      guard let bias = try inputs.optionalTensor(5) else { return [.tensor(product)] }
      return [.tensor(try BinaryElementwise.Function.add.apply(product, bias))]
    }
    let product = try MatrixProduct.multiply((a.shape, try a.doubles()), MatrixProduct.transposed(([columns, depth], weights)))
    let y = try product.elements.shifted(by: try inputs.optionalTensor(5), shape: product.shape)
    return [.tensor(Tensor(a.element, product.shape, rounding: y))]
  }

  /// The weights as numbers, [n, k].
  private func weights(_ inputs: [Datum?]) throws(OperatorError) -> [Double] {
    let packed = try inputs.tensor(1).integers()
    let scales = try inputs.tensor(2).doubles()
    let perByte = 8 / bits
    let blob = blockSize / perByte
    let mask = Int64(1 << bits) - 1
    let zeros = try inputs.optionalTensor(3)
    let zeroValues = try zeros?.doubles() ?? []
    let zeroBytes = try zeros?.integers() ?? []
    let zeroStride = blocks.ceilingQuotient(perByte)
    let isPackedZero = zeros?.element == .uint8
    let groups = try inputs.optionalTensor(4)?.integers()
    guard packed.count == columns * blocks * blob, scales.count == columns * blocks,
      zeros == nil || zeroBytes.count == columns * (isPackedZero ? zeroStride : blocks), groups.map({ $0.count >= depth }) ?? true
    else { throw OperatorError("block-form", "weights, scales and zero points do not fit \(columns) × \(depth) in blocks of \(blockSize)") }
    func field(_ bytes: [Int64], _ start: Int, _ index: Int) -> Int64 {
      bytes[start + index / perByte] >> Int64(index % perByte * bits) & mask
    }
    var result: [Double] = []
    result.reserveCapacity(columns * depth)
    for column in 0..<columns {
      for index in 0..<depth {
        let block = groups.map { min(max(0, Int($0[index])), blocks - 1) } ?? index / blockSize
        let stored = field(packed, (column * blocks + index / blockSize) * blob, index % blockSize)
        let zero: Double
        if zeros == nil {
          zero = Double(1 << (bits - 1))
        } else if isPackedZero {
          zero = Double(field(zeroBytes, column * zeroStride, block))
        } else {
          zero = zeroValues[column * blocks + block]
        }
        result.append((Double(stored) - zero) * scales[column * blocks + block])
      }
    }
    return result
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "MatMulNBits")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> BlockQuantizedMatrixMultiply {
    guard let depth = try node.integer("K"), let columns = try node.integer("N"), let blockSize = try node.integer("block_size") else {
      throw OperatorError("missing-attribute", "MatMulNBits needs 'K', 'N' and 'block_size'")
    }
    node.ignore("weight_prepacked")
    return BlockQuantizedMatrixMultiply(
      depth: depth, columns: columns, bits: try node.integer("bits") ?? 4, blockSize: blockSize,
      accuracy: try node.integer("accuracy_level") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "MatMulNBits"),
      [
        ("K", .integer(depth)), ("N", .integer(columns)), ("bits", .integer(bits)), ("block_size", .integer(blockSize)),
        ("accuracy_level", .integer(accuracy)),
      ])
  }
}
