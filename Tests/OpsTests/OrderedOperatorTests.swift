import IR
import Ops
import Testing

/// Contributed operators on int8 numbers with scales alone, and weights of few bits, against numbers worked out by hand.
@Suite struct OrderedOperatorTests {
  private func bytes(_ shape: [Int], _ values: Int8...) -> Tensor { Tensor(.int8, shape, .int8(values)) }
  private func scale(_ value: Float) -> Tensor { Tensor([], floats: [value]) }

  @Test func productsAreScaledAndRounded() throws {
    let (a, b) = (bytes([1, 1, 2], 2, 3), bytes([2, 2], 1, 2, 3, 4))
    // Sums 2·1 + 3·2 = 8 and 2·3 + 3·4 = 18.
    let plain = try evaluate(OrderedMatrixMultiply(), a, scale(0.5), b, scale(1), scale(0.25))
    #expect(plain[0].shape == [1, 1, 2])
    #expect(try plain[0].integers() == [16, 36])
    // (8·0.5 + 1)/0.25 = 20 and 18·0.5·0.5/0.25 = 18; half of c = 1, 2 adds 2 and 4.
    let columns = Tensor([2], floats: [1, 0.5])
    let bias = Tensor([2], floats: [1, 0])
    #expect(try evaluate(OrderedMatrixMultiply(), a, scale(0.5), b, columns, scale(0.25), bias)[0].integers() == [20, 18])
    let c = bytes([1, 1, 2], 1, 2)
    #expect(try evaluate(OrderedMatrixMultiply(), a, scale(0.5), b, columns, scale(0.25), bias, c, scale(0.5))[0].integers() == [22, 22])
    #expect(try evaluate(OrderedMatrixMultiply(), a, scale(0.5), b, scale(1), scale(0.01))[0].integers() == [127, 127])
  }

  /// Two positions of one feature; weights and scales of 1 keep q = k = v = x.
  @Test func attentionIsStoredAfterEveryProduct() throws {
    let x = bytes([1, 2, 1], 0, 2)
    let one: [Tensor?] = [scale(1)]
    func inputs(_ mask: Tensor?) -> [Tensor?] {
      [x] + one + one + one + one + [bytes([1, 1], 1), bytes([1, 1], 1), bytes([1, 1], 1)] + one + one + one
        + [Tensor](repeating: Tensor([1], floats: [0]), count: 3) + [scale(2), scale(0.01), scale(0.5), mask]
    }
    func run(_ mask: Tensor?) throws -> [Int64] {
      let data = inputs(mask).map { $0.map(Datum.tensor) }
      return try OrderedAttention(heads: 1).evaluate(data, EvaluationContext(outputCount: 1))[0].tensor?.integers() ?? []
    }
    // Scores 0, 0 and 0, 4/2 = 2. Row 0: probabilities ½, stored 50; 50·0.01·2/0.5 = 2. Row 1: softmax(0, 2·2) = 0.018, 0.982, stored
    // 2, 98; 98·0.01·2/0.5 = 3.92, stored 4.
    #expect(try run(nil) == [2, 4])
    // Only the first key counts, whose value is 0.
    #expect(try run(Tensor(.int32, [1, 2], .int32([1, 0]))) == [0, 0])
  }

  @Test func attentionFormsWithoutAKernelAreRefusedByName() throws {
    func node(_ extra: [String: ONNXAttribute]) -> ONNXNode {
      ONNXNode(
        name: ONNXName(domain: "com.microsoft", "QOrderedAttention"), opset: 1, inputs: [], outputCount: 1,
        attributes: ["num_heads": .integer(2), "order_input": .integer(1), "order_weight": .integer(0), "order_output": .integer(1)]
          .merging(extra) { $1 })
    }
    var plain = node(["qkv_hidden_sizes": .integers([4, 4, 4])])
    #expect(try OrderedAttention.importONNX(&plain).heads == 2)
    for (name, value) in [
      ("unidirectional", ONNXAttribute.integer(1)), ("order_weight", .integer(1)), ("qkv_hidden_sizes", .integers([4, 4, 8])),
    ] {
      var other = node([name: value])
      let error = #expect(throws: OperatorError.self) { try OrderedAttention.importONNX(&other) }
      #expect(error?.description.contains("'\(name)'") == true)
    }
  }

  @Test func attentionCostsThreeProductsAndTheAttention() throws {
    let int8 = { (shape: [Dimension]) in ValueType.tensor(TensorType(.int8, shape)) }
    let (real, weight) = (ValueType.tensor(TensorType(.float32, [])), int8([8, 4]))
    let inputs: [ValueType?] = [int8([2, 3, 8]), real, real, real, real, weight, weight, weight] + [ValueType?](repeating: real, count: 9)
    let types = try OrderedAttention(heads: 2).inferTypes(InferenceContext(inputs: inputs))
    #expect(types == [int8([2, 3, 4])])
    let operands = OperandTypes(inputs: inputs, outputs: types, isConstant: inputs.map { _ in false })
    // 3·(2·3)·8·4 of the projections, 2·(2 images·2 heads·3·3·2) of scores and sums.
    #expect(try OrderedAttention(heads: 2).computation(operands).work.macs == 3 * 6 * 8 * 4 + 2 * 2 * 2 * 3 * 3 * 2)
  }

  @Test func tiledOrdersAreRefusedByName() throws {
    var node = ONNXNode(
      name: ONNXName(domain: "com.microsoft", "QOrderedMatMul"), opset: 1, inputs: [], outputCount: 1,
      attributes: ["order_A": .integer(2), "order_B": .integer(4), "order_Y": .integer(2)])
    let error = #expect(throws: OperatorError.self) { try OrderedMatrixMultiply.importONNX(&node) }
    #expect(error?.description.contains("'order_A' is 2") == true)
  }

  @Test func activationsAreRequantised() throws {
    // gelu(1) = 0.8413, gelu(−1) = −0.1587.
    #expect(try evaluate(OrderedGelu(), bytes([2], 10, -10), scale(0.1), scale(0.01))[0].integers() == [84, -16])
  }

  @Test func rowsAreNormalised() throws {
    let op = OrderedLayerNormalization(epsilon: 0)
    let (factor, bias) = (Tensor([2], floats: [1, 2]), Tensor([2], floats: [0, 1]))
    // (1, 3) becomes (−1, 1), then (−1, 3), in steps of one half.
    #expect(try evaluate(op, bytes([1, 2], 1, 3), scale(1), factor, bias, scale(0.5))[0].integers() == [-2, 6])
  }

  @Test func numbersAreStoredAndReadRowByRow() throws {
    func node(_ type: String, _ extra: [String: ONNXAttribute] = [:]) -> ONNXNode {
      ONNXNode(
        name: ONNXName(domain: "com.microsoft", type), opset: 1, inputs: [.absent, .absent], outputCount: 1,
        attributes: ["order_input": .integer(1), "order_output": .integer(1)].merging(extra) { $1 })
    }
    var store = node("QuantizeWithOrder")
    let quantize = try Quantize.importONNX(&store)
    guard case .constant(let zero) = store.inputs[2], let point = Tensor(zero) else {
      throw OperatorError("test", "a zero point is expected")
    }
    #expect(try evaluate(quantize, Tensor([1, 2], floats: [1, -0.26]), scale(0.1), point)[0].integers() == [10, -3])
    var load = node("DequantizeWithOrder", ["to": .integer(1)])
    #expect(try evaluate(try Dequantize.importONNX(&load), bytes([1, 2], 10, -3), scale(0.5))[0].floats() == [5, -1.5])
    var half = node("DequantizeWithOrder", ["to": .integer(10)])
    #expect(throws: OperatorError.self) { try Dequantize.importONNX(&half) }
    var tiled = node("QuantizeWithOrder", ["order_output": .integer(2)])
    #expect(throws: OperatorError.self) { try Quantize.importONNX(&tiled) }
  }

  // MARK: Weights of few bits

  @Test func twoBitWeightsComeLowBitsFirst() throws {
    // Codes 0, 1, 2, 3 around the middle 2, in halves: −1, −½, 0, ½.
    let packed = Tensor(.uint8, [1, 1, 1], .uint8([0b1110_0100]))
    let op = BlockQuantizedMatrixMultiply(depth: 4, columns: 1, bits: 2, blockSize: 4)
    let a = Tensor([2, 4], floats: [1, 2, 3, 4, 1, 0, 0, 4])
    #expect(try evaluate(op, a, packed, Tensor([1], floats: [0.5]))[0].floats() == [0, 1])
    // A zero point of 1 in the lowest bits of its byte: −½, 0, ½, 1.
    let zero = Tensor(.uint8, [1, 1], .uint8([0b01]))
    #expect(try evaluate(op, a, packed, Tensor([1], floats: [0.5]), zero)[0].floats() == [5, 3.5])
  }

  /// The second of two blocks of 2 has its zero point in bits 2 and 3.
  @Test func twoBitZeroPointsArePackedAlongTheBlocks() throws {
    let packed = Tensor(.uint8, [1, 2, 1], .uint8([0b1010, 0b1010]))
    let op = BlockQuantizedMatrixMultiply(depth: 8, columns: 1, bits: 2, blockSize: 4)
    let ones = Tensor([1, 8], floats: [Float](repeating: 1, count: 8))
    let zeros = Tensor(.uint8, [1, 1], .uint8([0b1100]))
    // Blocks of codes 2, 2, 0, 0: 4 − 4·0 = 4 and 4 − 4·3 = −8.
    #expect(try evaluate(op, ones, packed, Tensor([2], floats: [1, 1]), zeros)[0].floats() == [-4])
  }

  @Test func groupsChooseTheScaleOfEveryRow() throws {
    // Codes 9, 10, 11, 12 around 8 are 1, 2, 3, 4; rows 0 and 2 belong to the second group.
    let packed = Tensor(.uint8, [1, 2, 1], .uint8([0xA9, 0xCB]))
    let op = BlockQuantizedMatrixMultiply(depth: 4, columns: 1, bits: 4, blockSize: 2)
    let groups = Tensor(.int32, [4], .int32([1, 0, 1, 0]))
    let ones = Tensor([1, 4], floats: [1, 1, 1, 1])
    #expect(try evaluate(op, ones, packed, Tensor([2], floats: [1, 10]), nil, groups)[0].floats() == [10 + 2 + 30 + 4])
    #expect(try evaluate(op, ones, packed, Tensor([2], floats: [1, 10]))[0].floats() == [1 + 2 + 30 + 40])
  }
}
