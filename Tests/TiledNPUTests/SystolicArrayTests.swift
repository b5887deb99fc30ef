import Testing

@testable import TiledNPU

struct SystolicArrayTests {
  /// Counts a fold by following every operand through the registers: cell (r, c) works on wavefront m at cycle m + r + c
  /// after the stationary operand has been shifted in row by row.
  func countedFold(_ array: SystolicArray, streamed: Int) -> Int {
    var last = 0
    for m in 0..<streamed { for r in 0..<array.rows { for c in 0..<array.columns { last = max(last, m + r + c) } } }
    return (array.dataflow == .outputStationary ? 0 : array.rows) + last + 1
  }

  @Test(arguments: SystolicArray.Dataflow.allCases)
  func closedFormsCountEveryRegisterStep(_ dataflow: SystolicArray.Dataflow) {
    for (rows, columns) in [(1, 1), (2, 3), (4, 4), (8, 2)] {
      let array = SystolicArray(rows: rows, columns: columns, dataflow: dataflow)
      for (m, n, k) in [(1, 1, 1), (5, 3, 7), (8, 8, 8), (3, 17, 9)] {
        let shape = LayerShape.matrixProduct(rows: m, columns: n, depth: k)
        let folds = array.folds(of: shape)
        let counted = folds.count * countedFold(array, streamed: folds.streamed) - 1
        #expect(array.cost(of: shape).cycles == counted)
      }
    }
  }

  /// Random arrays and products against the closed forms, written out here once more.
  @Test(arguments: SystolicArray.Dataflow.allCases)
  func randomProductsFollowTheClosedForm(_ dataflow: SystolicArray.Dataflow) {
    var random = SeededGenerator(seed: 408)
    for _ in 0..<300 {
      let (r, c) = (Int.random(in: 1...256, using: &random), Int.random(in: 1...256, using: &random))
      let (m, n, k) = (
        Int.random(in: 1...3000, using: &random), Int.random(in: 1...1500, using: &random), Int.random(in: 1...5000, using: &random)
      )
      func up(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
      let expected =
        switch dataflow {
        case .weightStationary: up(k, r) * up(n, c) * (2 * r + c + m - 2) - 1
        case .inputStationary: up(k, r) * up(m, c) * (2 * r + c + n - 2) - 1
        case .outputStationary: up(m, r) * up(n, c) * (r + c + k - 2) - 1
        }
      let array = SystolicArray(rows: r, columns: c, dataflow: dataflow)
      #expect(array.cost(of: .matrixProduct(rows: m, columns: n, depth: k)).cycles == expected)
    }
  }

  @Test func flattenedConvolutionsAreProducts() {
    let conv = LayerShape(input: (56, 56, 64), output: (28, 28, 128), kernel: (3, 3), stride: (2, 2))
    let product = LayerShape.matrixProduct(rows: 28 * 28, columns: 128, depth: 9 * 64)
    for dataflow in SystolicArray.Dataflow.allCases {
      let array = SystolicArray(rows: 32, columns: 32, dataflow: dataflow)
      #expect(array.cost(of: conv).cycles == array.cost(of: product).cycles)
    }
  }

  @Test func aSecondWeightRegisterHidesTheLoad() {
    let shape = LayerShape.matrixProduct(rows: 1000, columns: 512, depth: 512)
    var array = SystolicArray(rows: 64, columns: 64, dataflow: .weightStationary)
    let serial = array.cost(of: shape)
    array.load = .doubleBuffered
    let hidden = array.cost(of: shape)
    #expect(hidden.streaming == serial.streaming)
    #expect(hidden.weightLoad == array.rows)
    #expect(hidden.cycles < serial.cycles)
  }

  /// With fewer wavefronts than rows the shift of the next operand shows.
  @Test func shortStreamsExposeTheShift() {
    let array = SystolicArray(rows: 256, columns: 256, dataflow: .weightStationary, load: .doubleBuffered)
    let shape = LayerShape.matrixProduct(rows: 200, columns: 512, depth: 512)
    #expect(array.cost(of: shape).weightLoad == 256 + 3 * 56)
  }

  /// A shallow first layer wastes rows when only channels are mapped to them.
  @Test func channelMappingCostsShallowLayers() {
    let first = LayerShape(input: (224, 224, 3), output: (112, 112, 64), kernel: (7, 7), stride: (2, 2))
    let flat = SystolicArray(rows: 32, columns: 32, dataflow: .weightStationary)
    var channels = flat
    channels.mapping = .channels
    #expect(flat.cost(of: first).cycles == 5 * 2 * (2 * 32 + 32 + 112 * 112 - 2) - 1)
    #expect(channels.cost(of: first).cycles == 49 * 2 * (2 * 32 + 32 + 112 * 112 - 2) - 1)
  }

  /// Sixteen tiles share a map in both directions and the rows of a product in one.
  @Test func tilesShareAMapOrTheRowsOfAProduct() {
    let array = DotProductArray(inputLanes: 4, outputLanes: 64, patchHeight: 4, patchWidth: 4)
    let conv = LayerShape(input: (14, 14, 30), output: (14, 14, 100), kernel: (3, 3))
    #expect(array.cost(of: conv).cycles == 4 * 4 * 9 * 8 * 2)
    #expect(array.cost(of: .matrixProduct(rows: 128, columns: 768, depth: 768)).cycles == 8 * 12 * 192)
    #expect(array.cost(of: .matrixProduct(rows: 1, columns: 1000, depth: 1024)).cycles == 16 * 256)
    #expect(array.cells == 4096)
  }
}
