import Basic
import Hardware
import IR
import Lowering
import Results
import Testing

@testable import TensorCoreGPU

/// What stands around a short product is called by its name.
struct PreludeReasonTests {
  private func estimate(_ target: String, _ shape: GEMMShape) throws -> (GEMMEstimate, GEMMPathChoice, GPUDescription) {
    let gpu = try GPUDescription(Targets.catalog.load(target))
    let model = GEMMModel(gpu)
    let choice = try #require(model.choosePath(for: shape))
    return (model.estimate(choice.shape, on: choice.path), choice, gpu)
  }

  /// 4096 rows of activations are read and written again before a product that is over sooner.
  @Test func quantisingActivationsIsNoLaunch() throws {
    let shape = GEMMShape(
      batch: 1, m: 16384, n: 64, k: 4096, activation: .float8e4m3, weight: .float8e4m3, output: .bfloat16, isDynamic: true)
    let (estimate, choice, gpu) = try estimate("nvidia-h100-sxm5-80gb", shape)
    #expect(estimate.prelude > estimate.seconds / 2)
    #expect(estimate.bound(choice) == .quantization)
    #expect(estimate.reason(choice, gpu).contains("quantising the activations takes"))
    #expect(estimate.reason(choice, gpu).contains("fp8-static"))
  }
}
