import Hardware
import IR
import Testing

@testable import TensorCoreGPU

struct GEMMModelTests {
  private static let devices = [
    "nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-v100-sxm2-16gb", "nvidia-t4", "nvidia-b200",
  ]

  private func shape(
    _ m: Int, _ n: Int, _ k: Int, _ format: ElementType = .float16, weight: ElementType? = nil, batch: Int = 1
  ) -> GEMMShape {
    GEMMShape(batch: batch, m: m, n: n, k: k, activation: format, weight: weight ?? format, output: .float16)
  }

  private func estimate(_ shape: GEMMShape, on name: String) throws -> GEMMEstimate {
    let model = GEMMModel(try Targets.gpu(name))
    let choice = try #require(model.choosePath(for: shape))
    return model.estimate(choice.shape, on: choice.path)
  }

  @Test(arguments: devices) func noProductBeatsItsFloor(_ name: String) throws {
    for m in [1, 17, 128, 129, 1000, 4096] {
      for n in [32, 1000, 8192] {
        for k in [16, 513, 4096] {
          let estimate = try estimate(shape(m, n, k), on: name)
          #expect(estimate.floorSeconds <= estimate.seconds, "\(m)×\(n)×\(k)")
          #expect(estimate.seconds >= estimate.launch)
        }
      }
    }
  }

  @Test(arguments: devices) func partsSumToTheWhole(_ name: String) throws {
    for size in [64, 777, 4096] {
      let estimate = try estimate(shape(size, size, size), on: name)
      let parts =
        estimate.launch + estimate.prelude + estimate.fill + estimate.mainLoop + estimate.epilogue + estimate.reduction
        + estimate.skew
      #expect(abs(parts - estimate.seconds) <= estimate.seconds * 1e-9)
    }
  }

  /// The longest axis doubled can only add work; tiles are chosen anew for every shape, so no step down is allowed.
  @Test(arguments: devices) func aLongerReductionIsNeverFaster(_ name: String) throws {
    for (m, n) in [(16, 4096), (512, 512), (4096, 4096)] {
      var last = 0.0
      for k in [256, 512, 1024, 2048, 4096, 8192] {
        let seconds = try estimate(shape(m, n, k), on: name).seconds
        #expect(seconds >= last, "\(m)×\(n)×\(k)")
        last = seconds
      }
    }
  }

  /// One row of tiles more than the machine holds at once starts another wave.
  @Test func aTileMoreStartsAnotherWave() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    var path = try #require(model.choosePath(for: shape(1, 1, 1))).path
    path.tiles = path.tiles.filter { $0.m == 128 && $0.n == 256 }
    path.splitLimit = 1
    let full = model.estimate(shape(128 * 9, 256 * 12, 4096), on: path)
    let over = model.estimate(shape(128 * 9, 256 * 13, 4096), on: path)
    #expect(full.blocks == 108)
    #expect(full.waves == 1)
    #expect(over.seconds > full.seconds * 1.6)
  }

  /// At 4096³ a Tensor Core GPU reaches most of its peak; at one row it is bound by memory, not arithmetic.
  @Test func largeProductsAreBoundByIssueAndThinOnesByMemory() throws {
    let large = try estimate(shape(8192, 8192, 8192, .bfloat16), on: "nvidia-a100-sxm4-80gb")
    #expect(large.limit == .issue)
    #expect(large.floorSeconds / large.seconds > 0.7)
    let thin = try estimate(shape(4, 16_384, 16_384, .bfloat16), on: "nvidia-a100-sxm4-80gb")
    #expect(thin.limit == .deviceMemory)
    #expect(thin.floorSeconds / thin.seconds > 0.65)
    #expect(try estimate(shape(8, 64, 64, .bfloat16), on: "nvidia-a100-sxm4-80gb").limit == .launch)
  }

  @Test func aSmallGridIsSplitAlongTheReduction() throws {
    let split = try estimate(shape(64, 128, 16_384, .bfloat16), on: "nvidia-a100-sxm4-80gb")
    #expect(split.split > 1)
    #expect(split.reduction > 0)
    #expect(try estimate(shape(8192, 8192, 1024, .bfloat16), on: "nvidia-a100-sxm4-80gb").split == 1)
  }

  @Test func boardPowerHoldsTheClockOfLargeProductsOnly() throws {
    #expect(try estimate(shape(8192, 8192, 8192), on: "nvidia-t4").clockShare < 0.9)
    #expect(try estimate(shape(64, 64, 64), on: "nvidia-t4").clockShare == 1)
  }

  /// Thread blocks dispatched one by one take as long as waves in closed form.
  @Test(arguments: devices) func eventsAgreeWithWaves(_ name: String) throws {
    let gpu = try Targets.gpu(name)
    let fast = GEMMModel(gpu)
    let event = GEMMModel(gpu, fidelity: .event)
    for (m, n, k) in [
      (1, 4096, 4096), (64, 128, 16_384), (513, 1000, 300), (2048, 2048, 2048), (4097, 12_288, 512), (50_000, 4096, 64),
    ] {
      let choice = try #require(fast.choosePath(for: shape(m, n, k)))
      let closed = fast.estimate(choice.shape, on: choice.path).seconds
      let stepped = event.estimate(choice.shape, on: choice.path).seconds
      #expect(abs(stepped / closed - 1) < 0.02, "\(m)×\(n)×\(k)")
    }
  }

  /// Both SMs of a pair read the same columns and load half of them each; rows are their own.
  @Test func aPairOfSMsLoadsItsColumnsOnce() throws {
    let gpu = try Targets.gpu("nvidia-b200")
    let path = try #require(gpu.gemm.paths.first { $0.name == "16-bit" })
    let encoding = OperandBytes(activation: 2, weight: 2)
    for tile in path.tiles {
      #expect(tile.cluster == 2)
      let pair = try #require(GEMMTileCost(tile, path: path, encoding: encoding, on: gpu))
      var alone = tile
      alone.cluster = 1
      let single = try #require(GEMMTileCost(alone, path: path, encoding: encoding, on: gpu))
      let columns = tile.warpsM >= tile.warpsN ? tile.n : tile.m
      #expect(single.l2Bytes - pair.l2Bytes == Double(columns * tile.stepBytes) / 2, "\(tile.m)×\(tile.n)")
      #expect(pair.issue == single.issue)
      #expect(pair.tile.stages >= single.tile.stages)
    }
  }

  @Test func weightsThatStayInTheL2AreFaster() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    var warm = shape(16, 2048, 1024)
    warm.weightReuseBytes = 0
    let path = try #require(model.choosePath(for: warm)).path
    #expect(model.estimate(warm, on: path).seconds < model.estimate(shape(16, 2048, 1024), on: path).seconds)
  }

  @Test(arguments: devices) func aFusedKernelPaysForWhatItStoresNotForTheProduct(_ name: String) throws {
    let model = GEMMModel(try Targets.gpu(name))
    // Many waves of short blocks: writing the result is what takes the time.
    var narrow = shape(100_000, 1024, 64)
    narrow.storedBytes = narrow.resultBytes / 2
    let path = try #require(model.choosePath(for: narrow)).path
    let whole = model.estimate(shape(100_000, 1024, 64), on: path)
    let half = model.estimate(narrow, on: path)
    #expect(half.seconds < whole.seconds)
    #expect(abs((whole.deviceBytes - half.deviceBytes) / narrow.resultBytes - 1) < 1e-3)
    var held = shape(100_000, 1024, 64)
    held.residency = GEMMShape.Residency(activation: 1, weight: 1, epilogue: 1, stored: 1)
    #expect(model.estimate(held, on: path).deviceBytes == 0)
  }

  @Test(arguments: devices) func deviceMemoryKeepsUpWithEverythingReadAndWritten(_ name: String) throws {
    let gpu = try Targets.gpu(name)
    let model = GEMMModel(gpu)
    for (m, n, k) in [(100_000, 1024, 64), (64, 128, 16_384), (1, 16_384, 16_384), (4096, 4096, 128)] {
      let choice = try #require(model.choosePath(for: shape(m, n, k)))
      let estimate = model.estimate(choice.shape, on: choice.path)
      #expect(estimate.seconds > estimate.deviceBytes / gpu.memory.bandwidth, "\(m)×\(n)×\(k)")
    }
  }

  @Test func halfSizeWeightsSpeedUpThinProductsOnly() throws {
    let name = "nvidia-a100-sxm4-80gb"
    let thin =
      try estimate(shape(8, 16_384, 16_384), on: name).seconds
      / estimate(shape(8, 16_384, 16_384, weight: .int8), on: name).seconds
    #expect(thin > 1.4)
    let thick =
      try estimate(shape(8192, 8192, 8192), on: name).seconds
      / estimate(shape(8192, 8192, 8192, weight: .int8), on: name).seconds
    #expect(thick < 1.1)
  }
}

struct GEMMPathTests {
  private func choice(_ format: ElementType, weight: ElementType? = nil, on name: String, block: Bool = false) throws
    -> GEMMPathChoice?
  {
    GEMMModel(try Targets.gpu(name)).choosePath(
      for: GEMMShape(
        m: 64, n: 64, k: 64, activation: format, weight: weight ?? format, output: .float16, isBlockScaled: block))
  }

  @Test func formatsTheMachineHasRunAsTheyAre() throws {
    for (format, name) in [
      (ElementType.bfloat16, "nvidia-a100-sxm4-80gb"), (.float8e4m3, "nvidia-h100-sxm5-80gb"), (.int8, "nvidia-t4"),
    ] {
      let choice = try #require(try choice(format, on: name))
      #expect(choice.notes.isEmpty)
      #expect(choice.shape.activation == format)
    }
  }

  @Test func formatsTheMachineLacksAreEmulatedAndSaySo() throws {
    let float8 = try #require(try choice(.float8e4m3, on: "nvidia-a100-sxm4-80gb"))
    #expect(float8.shape.activation == .float16)
    #expect(!float8.notes.isEmpty)
    let brain = try #require(try choice(.bfloat16, on: "nvidia-t4"))
    #expect(brain.path.instruction.feed == .cores)
    #expect(brain.notes.joined().contains("fp32"))
    let float4 = try #require(try choice(.float4e2m1, on: "nvidia-h100-sxm5-80gb", block: true))
    #expect(float4.shape.weight == .int4)
    #expect(try #require(try choice(.float4e2m1, on: "nvidia-b200", block: true)).notes.isEmpty)
  }

  @Test func whatCannotBeMultipliedIsRefused() throws {
    #expect(try choice(.int32, on: "nvidia-a100-sxm4-80gb") == nil)
    #expect(try choice(.complex64, on: "nvidia-h100-sxm5-80gb") == nil)
  }
}

struct SparsityTests {
  private func times(_ m: Int, _ n: Int, _ k: Int, on name: String) throws -> (
    dense: GEMMEstimate, sparse: GEMMEstimate
  ) {
    let model = GEMMModel(try Targets.gpu(name))
    var shape = GEMMShape(m: m, n: n, k: k, activation: .float16, weight: .float16, output: .float16)
    let dense = try #require(model.choosePath(for: shape))
    shape.isSparse = true
    let sparse = try #require(model.choosePath(for: shape))
    #expect(sparse.shape.isSparse)
    return (model.estimate(dense.shape, on: dense.path), model.estimate(sparse.shape, on: sparse.path))
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-rtx-3090"]) func neverTwiceAsFast(
    _ name: String
  ) throws {
    for m in [16, 256, 4096] {
      let (dense, sparse) = try times(m, 4096, 4096, on: name)
      #expect(dense.seconds / sparse.seconds < 2)
    }
  }

  /// A product that only starts kernels gains nothing from half the weights.
  @Test func smallProductsGainNothing() throws {
    let (dense, sparse) = try times(16, 256, 256, on: "nvidia-a100-sxm4-80gb")
    #expect(dense.seconds / sparse.seconds < 1.1)
    #expect(sparse.limit == .launch)
  }

  /// Kept values and two bits of position each: 0.5625 of the bytes of 16-bit weights.
  @Test func metadataIsCounted() throws {
    let (dense, sparse) = try times(1, 16_384, 16_384, on: "nvidia-a100-sxm4-80gb")
    #expect(abs(sparse.deviceBytes / dense.deviceBytes - 0.5625) < 0.01)
  }

  @Test func aMachineWithoutSparseInstructionsComputesDense() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-t4"))
    var shape = GEMMShape(m: 64, n: 64, k: 64, activation: .float16, weight: .float16, output: .float16)
    shape.isSparse = true
    let choice = try #require(model.choosePath(for: shape))
    #expect(!choice.shape.isSparse)
    #expect(choice.notes.joined().contains("computed dense"))
  }
}
