import IR
import Ops
import Testing

@Suite struct QuantizationTests {
  @Test func roundsHalfToEvenAndSaturates() throws {
    let x = Tensor([4], floats: [0.5, 1.5, -300, 300])
    let zero = Tensor(.int8, [], .int8([0]))
    #expect(try evaluate(Quantize(), x, Tensor([], floats: [1]), zero)[0].integers() == [0, 2, -128, 127])
  }

  @Test func blocksHaveScalesOfTheirOwn() throws {
    let x = Tensor(.int8, [1, 4], .int8([1, 1, 1, 1]))
    let y = try evaluate(Dequantize(axis: 1, blockSize: 2), x, Tensor([1, 2], floats: [1, 10]))[0]
    #expect(try y.floats() == [1, 1, 10, 10])
    #expect(throws: OperatorError.self) { try evaluate(Dequantize(axis: 1, blockSize: 3), x, Tensor([1, 3], floats: [1, 1, 1])) }
  }

  @Test(arguments: [ElementType.int8, .uint8, .int4, .uint4, .int16, .uint16]) func quantisedNumbersComeBackWithinHalfAStep(
    _ storage: ElementType
  ) throws {
    let values = (0..<64).map { Float($0) / 16 }
    let scale: Float = 4 / Float(storage.bits == 4 ? 7 : 100)
    let zero = Tensor(storage, [], saturating: [0])
    let stored = try evaluate(Quantize(), Tensor([64], floats: values), Tensor([], floats: [scale]), zero)[0]
    #expect(stored.element == storage)
    let back = try evaluate(Dequantize(), stored, Tensor([], floats: [scale]), zero)[0].floats()
    for (a, b) in zip(values, back) { #expect(abs(a - b) <= scale / 2 * 1.0001) }
  }

  @Test func dynamicScaleCoversTheRangeAndZero() throws {
    let y = try evaluate(DynamicQuantize(), Tensor([3], floats: [0, 2, 5.1]), outputs: 3)
    #expect(try y[2].integers() == [0])
    #expect(try y[0].integers() == [0, 100, 255])
  }

  @Test func integerProductSubtractsZeroPoints() throws {
    let a = Tensor(.uint8, [1, 2], .uint8([11, 12]))
    let b = Tensor(.uint8, [2, 1], .uint8([3, 4]))
    let y = try evaluate(IntegerMatrixMultiply(), a, b, Tensor(.uint8, [], .uint8([10])), Tensor(.uint8, [1], .uint8([2])))[0]
    #expect(y.element == .int32)
    #expect(try y.integers() == [1 * 1 + 2 * 2])
  }

  @Test func quantisedProductSaturates() throws {
    let one = Tensor([], floats: [1])
    let zero = Tensor(.int8, [], .int8([0]))
    let a = Tensor(.int8, [1, 1], .int8([100]))
    #expect(try evaluate(QuantizedMatrixMultiply(), a, one, zero, a, one, zero, one, zero)[0].integers() == [127])
  }

  @Test func fourBitWeightsUnpackLowNibbleFirst() throws {
    // Bytes 0x98 are 8 and 9: zero and one above the middle.
    let packed = Tensor(.uint8, [1, 1, 8], .uint8(Array(repeating: 0x98, count: 8)))
    let a = Tensor([1, 16], floats: (0..<16).map(Float.init))
    let op = BlockQuantizedMatrixMultiply(depth: 16, columns: 1, blockSize: 16)
    #expect(try evaluate(op, a, packed, Tensor([1], floats: [2]))[0].floats() == [2 * (1 + 3 + 5 + 7 + 9 + 11 + 13 + 15)])
  }

  @Test func fourBitWeightsAreCountedAsStored() throws {
    let types: [ValueType?] = [
      .tensor(TensorType(.float16, [1, 4096])), .tensor(TensorType(.uint8, [4096, 128, 16])), .tensor(TensorType(.float16, [4096 * 128])),
    ]
    let op = BlockQuantizedMatrixMultiply(depth: 4096, columns: 4096, blockSize: 32)
    let y = try op.inferTypes(InferenceContext(inputs: types))
    guard case .contraction(let product) = try op.computation(OperandTypes(inputs: types, outputs: y, isConstant: [false, true, true]))
    else {
      Issue.record("no contraction")
      return
    }
    #expect(product.rhs.bytes == 4096 * 4096 / 2 + 4096 * 128 * 2)
    #expect(product.macs == 4096 * 4096)
  }

  @Test func quantisedConvolutionIsTheConvolutionOfWhatItStores() throws {
    let convolution = Convolve(strides: [1], dilations: [1], pads: [1, 1])
    let x = Tensor(.uint8, [1, 1, 3], .uint8([130, 128, 126]))
    let w = Tensor(.int8, [1, 1, 3], .int8([1, 2, 3]))
    let one = Tensor([], floats: [1])
    let middle = Tensor(.uint8, [], .uint8([128]))
    let y = try evaluate(QuantizedConvolve(convolution), x, one, middle, w, one, Tensor(.int8, [], .int8([0])), one, middle)[0]
    let sums = try evaluate(IntegerConvolve(convolution), x, w, middle)[0].integers()
    #expect(sums == [4, -4, -4])
    #expect(try y.integers() == sums.map { $0 + 128 })
  }
}
