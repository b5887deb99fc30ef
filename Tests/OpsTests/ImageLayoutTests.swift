import IR
import Ops
import Testing

/// Operators over images give the same numbers, and the same geometry to machines, wherever the channels stand.
@Suite struct ImageLayoutTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var first: any Operator
    var last: any Operator
    var shapes: [[Int]]
    var testDescription: String { name }
  }

  static let examples: [Example] = {
    func convolve(_ layout: ImageLayout?) -> Convolve {
      Convolve(strides: [2, 1], dilations: [1, 2], pads: [1, 0, 0, 2], groups: 2, layout: layout)
    }
    func transposed(_ layout: ImageLayout?) -> ConvolveTransposed {
      ConvolveTransposed(
        strides: [2, 1], dilations: [1, 1], pads: [1, 0, 0, 0], outputPadding: [1, 0], padding: .explicit, layout: layout)
    }
    func pool(_ layout: ImageLayout?) -> Pool {
      var pool = Pool(.average, kernel: [2, 3], strides: [1, 2], dilations: [1, 1], pads: [0, 0, 0, 0], padding: .sameUpper)
      pool.layout = layout
      return pool
    }
    return [
      Example(name: "convolution", first: convolve(nil), last: convolve(.channelsLast), shapes: [[2, 4, 7, 6], [6, 2, 3, 2]]),
      Example(
        name: "transposed convolution", first: transposed(nil), last: transposed(.channelsLast), shapes: [[2, 4, 3, 5], [4, 3, 3, 2]]),
      Example(name: "pool", first: pool(nil), last: pool(.channelsLast), shapes: [[2, 3, 5, 7]]),
      Example(
        name: "depth to space", first: PixelShuffle(.depthFirst, block: 2),
        last: PixelShuffle(.depthFirst, block: 2, layout: .channelsLast),
        shapes: [[2, 8, 3, 2]]),
      Example(
        name: "space to depth", first: PixelShuffle(.spaceToDepth, block: 3),
        last: PixelShuffle(.spaceToDepth, block: 3, layout: .channelsLast),
        shapes: [[1, 2, 6, 3]]),
    ]
  }()

  /// [n, c, h, w] as [n, h, w, c].
  private static func turned(_ tensor: Tensor) throws -> Tensor { try evaluate(Transpose([0, 2, 3, 1]), tensor)[0] }

  private static func operands(_ shapes: [[Int]]) -> [Tensor] {
    shapes.map { shape in Tensor(shape, floats: (0..<shape.reduce(1, *)).map { Float($0 * 37 % 23) - 11 }) }
  }

  @Test(arguments: examples)
  func givesTheSameNumbers(_ example: Example) throws {
    let first = Self.operands(example.shapes)
    let wanted = try Self.turned(try example.first.evaluate(first.map { .tensor($0) }, EvaluationContext()).compactMap(\.tensor)[0])
    let last = try first.map(Self.turned)
    let found = try example.last.evaluate(last.map { .tensor($0) }, EvaluationContext()).compactMap(\.tensor)[0]
    #expect(found.shape == wanted.shape)
    #expect(try found.floats() == wanted.floats())
  }

  @Test(arguments: examples)
  func machinesSeeTheSame(_ example: Example) throws {
    func computation(_ operation: any Operator, _ shapes: [[Int]]) throws -> Computation {
      let types: [ValueType?] = shapes.map { .tensor(TensorType(.float32, $0)) }
      let results = try operation.inferTypes(InferenceContext(inputs: types))
      return try operation.computation(OperandTypes(inputs: types, outputs: results, isConstant: types.map { _ in false }))
    }
    let last = example.shapes.map { ImageLayout.channelsLast.restored($0) }
    #expect(try computation(example.first, example.shapes) == computation(example.last, last))
  }

  /// ONNX has channels first only: the written form is the plain operator between transpositions.
  @Test(arguments: examples)
  func isWrittenAsTranspositionsAroundThePlainOperator(_ example: Example) throws {
    let operation = try #require(example.last as? any ONNXDecomposable)
    #expect(operation.isAbsentFromONNX)
    #expect((example.first as? any ONNXDecomposable)?.isAbsentFromONNX == false)
    let types: [ValueType?] = example.shapes.map { .tensor(TensorType(.float32, ImageLayout.channelsLast.restored($0))) }
    let body = try operation.onnxBody(InferenceContext(inputs: types))
    #expect(body.verify().isEmpty && body.verifyTypes().isEmpty)
    #expect(body[body.outputs[0]].type == (try operation.inferTypes(InferenceContext(inputs: types)))[0])
    #expect(body.nodeCount == 2 + example.shapes.count)
  }
}
