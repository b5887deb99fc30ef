import IR
import Ops
import Testing

@Suite struct LinearTests {
  @Test func stackedProductBroadcasts() throws {
    let a = Tensor([2, 1, 2], floats: [1, 2, 3, 4])
    let b = Tensor([2, 2], floats: [1, 0, 1, 1])
    let y = try evaluate(MatrixMultiply(), a, b)[0]
    #expect(y.shape == [2, 1, 2])
    #expect(try y.floats() == [3, 2, 7, 4])
  }

  @Test func vectorsLoseTheirAxis() throws {
    #expect(try evaluate(MatrixMultiply(), Tensor([2], floats: [1, 2]), Tensor([2], floats: [3, 4]))[0].shape.isEmpty)
    #expect(try infer(MatrixMultiply(), [.symbol("n"), 3, 4], [4]) == [.tensor(TensorType(.float32, [.symbol("n"), 3]))])
  }

  @Test func integersWrap() throws {
    let a = Tensor(.int32, [1, 1], .int32([1 << 30]))
    #expect(try evaluate(MatrixMultiply(), a, Tensor(.int32, [1, 1], .int32([4])))[0].integers() == [0])
  }

  @Test func sharedRightOperandIsOneProduct() throws {
    let types: [ValueType?] = [.tensor(TensorType(.float32, [8, 128, 768])), .tensor(TensorType(.float32, [768, 3072]))]
    let y = try MatrixMultiply().inferTypes(InferenceContext(inputs: types))
    guard
      case .contraction(let product) = try MatrixMultiply().computation(
        OperandTypes(inputs: types, outputs: y, isConstant: [false, true]))
    else { Issue.record("no contraction"); return }
    #expect((product.batch, product.m, product.n, product.k) == (1, 1024, 3072, 768))
    #expect(product.rhs.isConstant)
  }

  @Test func gemmScalesAndTransposes() throws {
    let a = Tensor([2, 1], floats: [1, 2])
    let y = try evaluate(
      Gemm(alpha: 2, beta: 3, transposesA: true), a, Tensor([2, 2], floats: [1, 2, 3, 4]), Tensor([1], floats: [1]))[0]
    #expect(try y.floats() == [17, 23])
  }

  @Test func transposedConvolutionSpreadsEveryElement() throws {
    let op = ConvolveTransposed(strides: [2], dilations: [1], pads: [0, 0], outputPadding: [0])
    let y = try evaluate(op, Tensor([1, 1, 2], floats: [1, 2]), Tensor([1, 1, 3], floats: [1, 1, 1]))[0]
    #expect(try y.floats() == [1, 1, 3, 2, 2])
    let types = try infer(op, [1, 1, .symbol("w")], [1, 1, 3])
    #expect(types.first?.tensor?.shape[2].bound(["w": 2]) == 5)
  }

  @Test func transposedConvolutionDoesTheWorkOfItsMirror() throws {
    let types: [ValueType?] = [.tensor(TensorType(.float32, [1, 16, 8, 8])), .tensor(TensorType(.float32, [16, 4, 2, 2]))]
    let op = ConvolveTransposed(strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], outputPadding: [0, 0])
    let y = try op.inferTypes(InferenceContext(inputs: types))
    #expect(y == [.tensor(TensorType(.float32, [1, 4, 16, 16]))])
    let work = try op.computation(OperandTypes(inputs: types, outputs: y, isConstant: [false, true])).work
    #expect(work.macs == 64 * 16 * 4 * 4)
  }
}
