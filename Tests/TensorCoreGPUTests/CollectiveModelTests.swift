import Hardware
import Testing

@testable import TensorCoreGPU

struct CollectiveModelTests {
  private func model(_ name: String) throws -> CollectiveModel {
    CollectiveModel(try #require(try Targets.gpu(name).collectives))
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-l40s"], Collective.allCases)
  func moreBytesAreNeverFaster(_ name: String, _ collective: Collective) throws {
    let model = try model(name)
    var last = 0.0
    for bytes in [1e3, 1e5, 1e6, 1e7, 1e8, 1e9] {
      let estimate = model.estimate(collective, bytes: bytes, ranks: 8)
      #expect(estimate.seconds > last)
      #expect(estimate.floorSeconds <= estimate.seconds)
      last = estimate.seconds
    }
  }

  @Test func anAllReduceSendsTwiceWhatAGatherSends() throws {
    let model = try model("nvidia-h100-sxm5-80gb")
    let gather = model.estimate(.allGather, bytes: 4e9, ranks: 8)
    let reduce = model.estimate(.allReduce, bytes: 4e9, ranks: 8)
    #expect(abs(reduce.floorSeconds / gather.floorSeconds - 2) < 1e-9)
    #expect(gather.choice.hasSuffix("Simple"))
    #expect(model.estimate(.allGather, bytes: 1e3, ranks: 8).choice.hasSuffix("LL"))
  }

  @Test func oneGPUSendsNothing() throws {
    let model = try model("nvidia-a100-sxm4-80gb")
    #expect(model.estimate(.allReduce, bytes: 1e9, ranks: 1).floorSeconds == 0)
  }
}
