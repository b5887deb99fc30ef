import Hardware
import IR
import Testing

@testable import TensorCoreGPU

/// A grouped product that comes from a graph, beside the layer model it shares its parts with.
struct ExpertProductTests {
  private func product(rows: Int, experts: Int?, choices: Int = 1) -> Contraction {
    let (n, k) = (3072, 4096)
    return Contraction(
      batch: 1, m: rows, n: n, k: k, lhs: Operand(element: .float16, count: rows * k),
      rhs: Operand(element: .float16, count: max(1, experts ?? 1) * n * k, isConstant: true),
      output: Operand(element: .float16, count: rows * n), experts: experts, choices: choices)
  }

  private func model(_ name: String) throws -> MixtureModel {
    let gpu = try Targets.gpu(name)
    return MixtureModel(device: DeviceRates(gpu, try #require(gpu.streaming)), software: try #require(gpu.mixture))
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb"]) func rowsAndExpertsCost(_ name: String) throws {
    let model = try model(name)
    #expect(model.estimate(product(rows: 64, experts: nil)) == nil, "rows that share their weights are a plain product")
    var last = 0.0
    for rows in [1, 8, 64, 512, 4096] {
      let estimate = try #require(model.estimate(product(rows: rows, experts: 128)))
      #expect(estimate.seconds >= last && estimate.floorSeconds <= estimate.seconds)
      last = estimate.seconds
    }
    // One token touches as many experts as it chooses, of a few tokens some meet at the same: those bytes bound them.
    let one = try #require(model.estimate(product(rows: 8, experts: 128, choices: 8)))
    let four = try #require(model.estimate(product(rows: 32, experts: 128, choices: 8)))
    #expect(four.memoryBytes > 3 * one.memoryBytes && four.memoryBytes < 4 * one.memoryBytes)
  }

  @Test func aProductIsPartOfItsLayer() throws {
    let model = try model("nvidia-h100-sxm5-80gb")
    let layer = model.estimate(
      MixtureShape(
        hidden: 4096, inner: 1536, isGated: true, routing: Routing(tokens: 128, choices: 8, experts: 128), weightBits: 16,
        activationBits: 16))
    let first = try #require(model.estimate(product(rows: 1024, experts: 128, choices: 8)))
    #expect(first.seconds < layer.seconds)
    // The second product has half the weights: both and the layer's small kernels come to the layer.
    #expect(1.5 * first.seconds < layer.seconds && layer.seconds < 1.7 * first.seconds)
  }
}
