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
