import Hardware
import IR
import Testing

@testable import TensorCoreGPU

/// What libraries do beyond tiles and waves: splits that add up in turn, batched kernels, far-apart rows.
struct GEMMLibraryTests {
  private func estimate(
    _ m: Int, _ n: Int, _ k: Int, _ activation: ElementType, weight: ElementType? = nil, batch: Int = 1,
    on name: String = "nvidia-a100-sxm4-80gb", change: (inout GEMMPath) -> Void = { _ in }
  ) throws -> GEMMEstimate {
    let model = GEMMModel(try Targets.gpu(name))
    let shape = GEMMShape(
      batch: batch, m: m, n: n, k: k, activation: activation, weight: weight ?? activation, output: activation)
    var path = try #require(model.choosePath(for: shape)).path
    change(&path)
    return model.estimate(shape, on: path)
  }

  /// Clearing the semaphores of a serial split takes the same time for any number of parts.
  @Test func serialSplitsCostOnce() throws {
    let path = try #require(
      try Targets.gpu("nvidia-a100-sxm4-80gb").gemm.paths.first { $0.weights.contains(.int4) && $0.operandBytes == 2 })
    var parts: Set<Int> = []
    for k in [8192, 15_360, 28_672] {
      let estimate = try estimate(16, 512, k, .bfloat16, weight: .int4)
      #expect(estimate.split > 1)
      #expect(abs(estimate.reduction / path.serialSplit - 1) < 0.02)
      parts.insert(estimate.split)
    }
    #expect(parts.count > 1)
  }

  /// Strided batches of fp32 products run 128-wide kernels: 64 columns take the time of 128.
  @Test func narrowBatchedProductsAreNoFaster() throws {
    let narrow = try estimate(2048, 64, 2048, .float32, batch: 256)
    let wide = try estimate(2048, 128, 2048, .float32, batch: 256)
    #expect(abs(narrow.seconds / wide.seconds - 1) < 0.02)
    #expect(try estimate(2048, 64, 2048, .float32).seconds < estimate(2048, 128, 2048, .float32).seconds)
  }

  /// A few rows of fp32 are bound by their weights, not by the rows a tile leaves empty.
  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-v100-sxm2-16gb", "nvidia-t4", "nvidia-p4"])
  func fewRowsOfSinglePrecisionStreamTheirWeights(_ name: String) throws {
    let memory = try Targets.gpu(name).memory.bandwidth
    var last = 0.0
    for m in [1, 2, 4, 8, 16, 24, 32, 48, 64, 128] {
      let seconds = try estimate(m, 8192, 8192, .float32, on: name).seconds
      if m <= 4 { #expect(4 * 8192 * 8192 / seconds > 0.6 * memory, "\(m) rows") }
      #expect(seconds >= last * (1 - 1e-9), "\(m) rows")
      last = seconds
    }
  }

  /// A grid that leaves most of the machine idle is split: the larger device is the faster one for small products too.
  @Test(arguments: [1, 17, 49, 64, 256, 1024]) func smallProductsAreFasterOnTheLargerDevice(_ m: Int) throws {
    for (n, k) in [(1000, 2048), (768, 768), (512, 4608), (4096, 4096)] {
      let large = try estimate(m, n, k, .float32)
      let small = try estimate(m, n, k, .float32, on: "nvidia-t4")
      #expect(large.seconds < small.seconds, "\(m)×\(n)×\(k)")
      #expect(large.split == 1 || large.blocks <= 0.4 * large.slots)
    }
  }

  /// Short blocks that slice each step carry out the small products, not the large ones.
  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-v100-sxm2-16gb"]) func slicedKernelsTakeSmallProductsOnly(_ name: String) throws {
    #expect(try #require(estimate(17, 256, 256, .float32, on: name).tile).issueShare < 1)
    #expect(try #require(estimate(4096, 4096, 4096, .float32, on: name).tile).issueShare == 1)
    let with = try estimate(64, 64, 64, .float32, on: name).seconds
    let without = try estimate(64, 64, 64, .float32, on: name) { $0.tiles.removeAll { $0.issueShare < 1 } }.seconds
    #expect(with < 0.8 * without)
  }

  /// A device without 16-bit instructions widens in registers: it still reads two bytes per weight, and multiplies as in fp32.
  @Test(arguments: ["nvidia-p4", "nvidia-p100-pcie-16gb"]) func widenedOperandsAreReadAsTheyAreStored(_ name: String) throws {
    let model = GEMMModel(try Targets.gpu(name))
    func seconds(_ m: Int, _ format: ElementType) throws -> Double {
      let shape = GEMMShape(m: m, n: 4096, k: 4096, activation: format, weight: format, output: format)
      let choice = try #require(model.choosePath(for: shape))
      return model.estimate(choice.shape, on: choice.path).seconds
    }
    #expect(abs(try seconds(1, .float16) / seconds(1, .float32) - 0.5) < 0.05)
    #expect(try seconds(4096, .float16) / seconds(4096, .float32) > 0.95)
  }

  /// Long rows lose a bounded share of the issue rate on the ordinary cores, and nothing on the tensor cores.
  @Test(arguments: [ElementType.float32, .bfloat16]) func farApartRowsLoseABoundedShare(_ format: ElementType) throws {
    let with = try estimate(4096, 4096, 65_536, format)
    let without = try estimate(4096, 4096, 65_536, format) { $0.strideLoss = 0 }
    if format == .float32 {
      #expect(with.mainLoop > without.mainLoop * 1.1)
      #expect(with.mainLoop < without.mainLoop * 1.3)
    } else {
      #expect(with == without)
    }
  }

  /// Rows beyond the edge of a product are not loaded: a thin product asks the L2 for less than its tiles could hold.
  @Test func rowsBeyondTheEdgeAreNotLoaded() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    func loop(_ m: Int) throws -> Double {
      let shape = GEMMShape(m: m, n: 65_536, k: 4096, activation: .int8, weight: .int8, output: .bfloat16)
      var path = try #require(model.choosePath(for: shape)).path
      path.tiles = path.tiles.filter { $0.m == 256 }
      return model.estimate(shape, on: path).mainLoop
    }
    #expect(try loop(8) <= loop(256))
  }

  /// What a campaign's timer adds belongs to its table, not to the machine.
  @Test func timingOverheadsAreNoPartOfAPrediction() throws {
    let with = try estimate(64, 4096, 4096, .bfloat16, weight: .int8)
    #expect(try with == estimate(64, 4096, 4096, .bfloat16, weight: .int8) { $0.timingOverhead = 1 })
  }

  /// A library with kernels of its own is used only when a table names it.
  @Test func otherLibrariesAreChosenByNameOnly() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-h100-sxm5-80gb"))
    let shape = GEMMShape(m: 8192, n: 16_384, k: 8192, activation: .bfloat16, weight: .int8, output: .bfloat16)
    let assumed = try #require(model.choosePath(for: shape))
    let named = try #require(model.choosePath(for: shape, library: "sglang"))
    #expect(assumed.path.library.isEmpty && assumed.path.operandBytes == 2)
    #expect(named.path.library == "sglang" && named.path.operandBytes == 1)
    #expect(model.estimate(shape, on: named.path).prelude > 0)
  }

  /// Thread blocks dispatched one by one take as long as waves in closed form, whatever the format, split or batch.
  @Test func bothFormsAgreeOnRandomProducts() throws {
    var random = SplitMix(state: 7)
    let formats: [(ElementType, ElementType)] = [
      (.bfloat16, .bfloat16), (.bfloat16, .int8), (.bfloat16, .int4), (.int8, .int8), (.float32, .float32),
      (.float8e4m3, .float8e4m3), (.float16, .float16),
    ]
    for name in ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-v100-sxm2-16gb", "nvidia-l4", "nvidia-b200"] {
      let gpu = try Targets.gpu(name)
      let (fast, event) = (GEMMModel(gpu), GEMMModel(gpu, fidelity: .event))
      for (activation, weight) in formats {
        for _ in 0..<6 {
          let shape = GEMMShape(
            batch: random.below(3) == 0 ? 1 + random.below(40) : 1, m: 1 << random.below(13) + random.below(7),
            n: 32 << random.below(10), k: 32 << random.below(11), activation: activation, weight: weight,
            output: .float16)
          let choice = try #require(fast.choosePath(for: shape))
          let closed = fast.estimate(choice.shape, on: choice.path).seconds
          let stepped = event.estimate(choice.shape, on: choice.path).seconds
          #expect(abs(stepped / closed - 1) < 0.02, "\(name) \(shape)")
        }
      }
    }
  }
}

/// A seeded generator: the same shapes on every run.
private struct SplitMix {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}

/// What a description says of its matrix instructions.
struct InstructionTests {
  @Test func theFastestOfAFormatIsTheOneThatCounts() throws {
    let gpu = try Targets.gpu("nvidia-a100-sxm4-80gb")
    #expect(gpu.fastestInstruction(for: .float16)?.name == "mma.m16n8k16.f16")
    #expect(gpu.fastestInstruction(.twoOfFour) { $0.contains(.float16) }?.name == "mma.sp.m16n8k32.f16")
    #expect(gpu.fastestInstruction(for: .float32) == nil)
    #expect(try Targets.gpu("nvidia-p4").sparsities.isEmpty)
  }

  @Test func aSparsityThatIsNoneIsAnError() throws {
    var target = try Targets.catalog.load("nvidia-a100-sxm4-80gb")
    try target.set("tensor-cores.mma.sp.m16n8k32.f16.sparsity=half")
    #expect { try GPUDescription(target) } throws: { "\($0)".contains("sparsity=\"half\" in <instruction> is not understood") }
  }

  /// The law of streams that SMs do not finish together: a share of short ones, at most the limit.
  @Test func skewGrowsToItsLimit() {
    let skew = Skew(share: 0.2, limit: 10)
    #expect(abs(skew.time(0.001) / 0.0002 - 1) < 1e-4)
    #expect(skew.time(1e9) < 10 && skew.time(1e9) > 9.999)
    #expect(skew.scaled(by: 4).limit == 40)
  }
}
