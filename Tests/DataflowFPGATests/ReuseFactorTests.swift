import DataflowFPGA
import Testing

struct ReuseFactorTests {
  @Test(arguments: [(16, 64), (10, 5), (75, 32), (7, 13), (120, 40), (1, 9), (288, 64)])
  func theNearestLegalFactorIsTaken(inputs: Int, outputs: Int) {
    let legal = ReuseFactor.legal(inputs: inputs, outputs: outputs)
    #expect(legal.first == 1)
    #expect(legal.last == inputs * outputs)
    for request in stride(from: 1, through: inputs * outputs + 50, by: 7) {
      let chosen = ReuseFactor(requested: request, inputs: inputs, outputs: outputs)
      // Nearest, ties to the smaller.
      let nearest = legal.min { (abs($0 - request), $0) < (abs($1 - request), $1) }
      #expect(chosen.effective == nearest)
      #expect(chosen.isCorrected == (nearest != request))
    }
  }

  @Test func illegalFactors() {
    // 1024 does not divide into whole rows of 16 x 65.
    #expect(!ReuseFactor.isLegal(1024, inputs: 16, outputs: 65))
    #expect(!ReuseFactor.isLegal(0, inputs: 16, outputs: 64))
    // 24 is above 16 inputs but no multiple of them.
    #expect(!ReuseFactor.isLegal(24, inputs: 16, outputs: 64))
    #expect(ReuseFactor.isLegal(32, inputs: 16, outputs: 64))
  }
}
