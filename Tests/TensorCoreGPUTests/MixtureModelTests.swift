import Hardware
import IR
import Testing

@testable import TensorCoreGPU

struct MixtureModelTests {
  private func model(_ name: String) throws -> MixtureModel {
    let gpu = try Targets.gpu(name)
    return MixtureModel(device: DeviceRates(gpu, try #require(gpu.streaming)), software: try #require(gpu.mixture))
  }

  private func shape(_ tokens: Int, _ distribution: ExpertLoads.Distribution, bits: Int = 16) -> MixtureShape {
    MixtureShape(
      hidden: 4096, inner: 1536, isGated: true,
      routing: Routing(tokens: tokens, choices: 8, experts: 128, distribution: distribution), weightBits: Double(bits),
      activationBits: bits)
  }

  @Test(arguments: [1, 3, 16, 200, 5000]) func everyPairIsRouted(_ tokens: Int) {
    for distribution in [ExpertLoads.Distribution.balanced, .uniform, .powerLaw(1.01), .powerLaw(1.2)] {
      for loads in Routing(tokens: tokens, choices: 8, experts: 128, distribution: distribution).loads() {
        #expect(loads.total == tokens * 8)
        #expect(loads.tokens.allSatisfy { $0 <= tokens })
      }
    }
  }

  /// E·(1 − (1 − k/E)^T) experts are expected to be touched by T tokens that choose k of E.
  @Test(arguments: [(1, 2, 8), (1, 8, 128), (16, 8, 128), (64, 8, 128), (300, 1, 64), (100_000, 6, 64)])
  func randomChoicesTouchAsManyExpertsAsExpected(_ tokens: Int, _ choices: Int, _ experts: Int) throws {
    let loads = try #require(Routing(tokens: tokens, choices: choices, experts: experts, distribution: .uniform).loads().first)
    var missed = 1.0
    for _ in 0..<tokens { missed *= 1 - Double(choices) / Double(experts) }
    #expect(abs(Double(loads.touched) - Double(experts) * (1 - missed)) <= 1)
    let rows = Operand(element: .float16, count: tokens * choices)
    let product = Contraction(
      batch: 1, m: tokens * choices, n: 1, k: 1, lhs: rows, rhs: Operand(element: .float16, count: experts, isConstant: true),
      output: rows, experts: experts, choices: choices)
    #expect(abs(loads.touched - product.touchedExperts) <= 1, "the graph's count")
    #expect(loads.total == tokens * choices)
  }

  @Test func theBusiestRankHasAtLeastItsShare() {
    for loads in Routing(tokens: 1000, choices: 8, experts: 128, ranks: 8, distribution: .powerLaw(1.2)).loads() {
      #expect(loads.total >= 1000)
      #expect(loads.touched <= 16)
    }
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb"]) func moreTokensAreNeverFaster(_ name: String)
    throws
  {
    let model = try model(name)
    var last = 0.0
    for tokens in [1, 8, 64, 512, 4096, 32_768] {
      let estimate = model.estimate(shape(tokens, .balanced))
      #expect(estimate.seconds >= last)
      #expect(estimate.floorSeconds <= estimate.seconds)
      last = estimate.seconds
    }
  }

  @Test func fewTokensPayForTheWeightsTheyTouch() throws {
    let model = try model("nvidia-h100-sxm5-80gb")
    let wide = model.estimate(shape(64, .balanced))
    let narrow = model.estimate(shape(64, .balanced, bits: 8))
    #expect(wide.bound == .memory)
    #expect(narrow.seconds < wide.seconds)
  }
}
