import Compression
import IR
import Numerics
import Ops
import Testing

/// A layer seen as a matrix gives what its node gives.
@Suite struct LinearLayerTests {
  enum Case: CaseIterable { case plain, strided, grouped, depthwise, line, gemm, gemmTransposed, product }

  private static func make(_ kind: Case) -> (operation: any Operator, x: [Int], w: [Int]) {
    func conv(_ strides: [Int], _ dilations: [Int], _ pads: [Int], _ groups: Int) -> any Operator {
      Convolve(strides: strides, dilations: dilations, pads: pads, groups: groups)
    }
    return switch kind {
    case .plain: (conv([1, 1], [1, 1], [1, 1, 1, 1], 1), [2, 3, 5, 4], [6, 3, 3, 3])
    case .strided: (conv([2, 1], [1, 2], [0, 2, 1, 1], 1), [2, 4, 7, 8], [5, 4, 3, 2])
    case .grouped: (conv([1, 1], [1, 1], [0, 0, 0, 0], 2), [1, 6, 4, 4], [8, 3, 2, 2])
    case .depthwise: (conv([1, 1], [1, 1], [1, 1, 1, 1], 4), [2, 4, 4, 4], [8, 1, 3, 3])
    case .line: (conv([1], [1], [1, 1], 1), [2, 4, 9], [3, 4, 3])
    case .gemm: (Gemm(), [5, 7], [7, 4])
    case .gemmTransposed: (Gemm(transposesA: true, transposesB: true), [7, 5], [4, 7])
    case .product: (MatrixMultiply(), [2, 3, 6], [6, 4])
    }
  }

  @Test(arguments: Case.allCases)
  func rowsTimesWeightsAreTheResult(kind: Case) throws {
    let (operation, xShape, wShape) = Self.make(kind)
    var numbers = TestNumbers(seed: 21)
    func tensor(_ shape: [Int]) -> Tensor { Tensor(shape, floats: (0..<shape.reduce(1, *)).map { _ in Float(numbers.next()) }) }
    var rewriter = Rewriter(Graph(name: "g"))
    let input = rewriter.addInput(.tensor(TensorType(.float32, xShape)), name: "x")
    let weights = tensor(wShape)
    let w = rewriter.addConstant(Constant(weights), name: "w")
    let node = try rewriter.addNode(operation, [input, w], name: "layer", origin: Origin(["layer"]))
    rewriter.setOutputs(rewriter.graph[node].outputs)
    let graph = rewriter.finish()
    let layer = try #require(LinearLayer(graph, node))
    #expect(layer.weightCount == weights.count)

    let x = tensor(xShape)
    let y = try #require(Evaluator().run(graph, inputs: [.tensor(x)])[0].tensor)
    let matrices = try layer.matrices(weights)
    #expect(layer.tensor(matrices, like: weights).elements == weights.elements)
    let channels = layer.groups * layer.outputs
    let inner = y.shape[(layer.resultAxis + 1)...].reduce(1, *)
    let expected = try y.doubles()
    for group in 0..<layer.groups {
      let rows = try layer.inputRows(x, group: group, of: graph[node]).map(Double.init)
      let product = Matrix(rows: rows.count / layer.inputs, columns: layer.inputs, rows).times(matrices[group], transposingOther: true)
      for row in 0..<product.rows {
        for output in 0..<layer.outputs {
          let index = (row / inner * channels + group * layer.outputs + output) * inner + row % inner
          #expect(abs(product[row, output] - expected[index]) < 1e-4)
        }
      }
    }
  }

  /// Keeping all directions changes nothing; fewer lose exactly the energy that is left out.
  @Test func lowRankKeepsTheMainDirections() throws {
    var numbers = TestNumbers(seed: 33)
    let (weights, x) = (numbers.matrix(6, 10), numbers.matrix(40, 10))
    let moment = x.times(x, transposingSelf: true)
    let full = try LowRankFactors(weights, moment: moment, rank: 6)
    #expect((full.product - weights).squaredNorm < 1e-18)
    let whole = outputError(weights, moment)
    var last = Double.infinity
    for rank in 1...5 {
      let factors = try LowRankFactors(weights, moment: moment, rank: rank)
      let error = outputError(factors.product - weights, moment)
      #expect(abs(error - (1 - factors.energy) * whole) < 1e-9 * whole)
      #expect(error < last)
      last = error
    }
  }
}
