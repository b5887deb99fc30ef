import IR
import Lowering
import Testing

@testable import TensorCoreGPU

/// Kernels that a library times before use, for row counts that are powers of two.
struct ProfiledKernelTests {
  private func path(_ weight: ElementType, _ model: GEMMModel) throws -> GEMMPath {
    try #require(model.choosePath(for: shape(1, 1, 1, weight))).path
  }

  private func shape(_ m: Int, _ n: Int, _ k: Int, _ weight: ElementType) -> GEMMShape {
    GEMMShape(m: m, n: n, k: k, activation: .float16, weight: weight, output: .float16)
  }

  @Test(arguments: [ElementType.int8, .int4]) func rowsInBetweenRunTheKernelOfTheNextPowerOfTwo(_ weight: ElementType) throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    let path = try path(weight, model)
    var anew = path
    anew.profiledRows = 0
    var differing = 0
    for (m, next) in [(5, 8), (12, 16), (80, 128), (160, 256), (384, 512), (768, 1024), (9000, 8192)] {
      for (n, k) in [(1024, 4096), (4096, 4096), (12_288, 2048)] {
        let between = model.estimate(shape(m, n, k, weight), on: path)
        let power = model.estimate(shape(next, n, k, weight), on: path)
        #expect(between.tile == power.tile, "\(m)×\(n)×\(k)")
        #expect(between.split == power.split, "\(m)×\(n)×\(k)")
        if model.estimate(shape(m, n, k, weight), on: anew).tile != between.tile { differing += 1 }
      }
    }
    #expect(differing > 0)
  }

  /// Parts that add up in turn are whole steps of 64 elements, as many in each.
  @Test(arguments: [(2560, 5), (3584, 7), (4096, 4), (1536, 6)]) func aSerialSplitDividesTheReduction(k: Int, most: Int) throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    var path = try path(.int8, model)
    path.serialSplit = 1e-12
    let split = model.estimate(shape(16, 128, k, .int8), on: path).split
    #expect(split > 1)
    #expect(split <= most)
    #expect(k % (64 * split) == 0)
  }

  @Test func theVectorKernelIsTakenWhereItsTimeIsLess() throws {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    let path = try path(.int8, model)
    #expect(model.estimate(shape(1, 4096, 4096, .int8), on: path).tile == nil)
    // One long chain of additions against seven parts.
    #expect(model.estimate(shape(1, 1024, 65_536, .int8), on: path).tile != nil)
    // Never timed for sixteen rows, whose kernel twelve rows run.
    #expect(model.estimate(shape(12, 4096, 4096, .int8), on: path).tile != nil)
  }
}

/// What the published benchmarks did differently from one another.
struct CampaignTests {
  private func seconds(_ m: Int, _ n: Int, _ k: Int, library: String, format: String = "bf16") throws -> Double {
    let model = GEMMModel(try Targets.gpu("nvidia-a100-sxm4-80gb"))
    let campaign = Campaign("aiconfigurator")
    var shape = try #require(GEMMPrecision(format)).shape(batch: 1, m: m, n: n, k: k)
    shape.weightReuseBytes = campaign.weightReuse(2 * Double(n) * Double(k + m), library: library, format: format)
    var choice = try #require(model.choosePath(for: shape))
    campaign.adapt(&choice, library: library, on: model.gpu)
    return model.estimate(choice.shape, on: choice.path).seconds
  }

  @Test func activationsOfTheirOwnComeFromMemory() throws {
    #expect(try seconds(4096, 64, 1024, library: "sglang") > seconds(4096, 64, 1024, library: "trtllm"))
    // Six sets of these fit the L2 together.
    let small = try (seconds(128, 128, 128, library: "sglang"), seconds(128, 128, 128, library: "trtllm"))
    #expect(abs(small.0 / small.1 - 1) < 0.05)
  }

  @Test func weightsThatNobodyFilledDrawLessPower() throws {
    #expect(try seconds(8192, 8192, 8192, library: "vllm") < seconds(8192, 8192, 8192, library: "trtllm"))
    #expect(try seconds(128, 1024, 1024, library: "vllm") == seconds(128, 1024, 1024, library: "trtllm"))
  }

  @Test func anEngineReadsItsWeightsFromMemory() throws {
    #expect(Campaign("aiconfigurator").weightReuse(1, library: "trtllm", format: "w4a16") == .infinity)
    #expect(Campaign("aiconfigurator").weightReuse(1, library: "trtllm", format: "bf16") == 6)
    #expect(Campaign("aiconfigurator").weightReuse(1, library: "sglang", format: "w8a16") == 6)
    #expect(Campaign("neusight").weightReuse(1, library: "torch", format: "fp32") == 1)
  }

  /// Rows that do not name their model are known by widths no other has, unless a column says so.
  @Test func aColumnSaysWhetherExpertsHaveAGate() throws {
    let predictor = try MixtureMeasurements().predictor(for: Targets.catalog.load("nvidia-a100-sxm4-80gb"))
    func time(_ gated: String?, hidden: Int) throws -> Double {
      var cells = [
        "gpu": "A100", "dtype": "bf16", "tokens": "64", "hidden": "\(hidden)", "inter": "1856", "topk": "6", "experts": "128", "tp": "1",
        "ep": "1", "distribution": "balanced", "latency_us": "100",
      ]
      cells["gated"] = gated
      let names = cells.keys.sorted()
      let columns = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
      let row = MeasurementRow(line: 2, columns: columns, cells: names.map { Substring(cells[$0] ?? "") })
      guard case .predicted(_, let predicted, _, _) = predictor.predict(row) else { return 0 }
      return predicted
    }
    #expect(try time(nil, hidden: 2688) == time("0", hidden: 2688))
    #expect(try time(nil, hidden: 2688) < time("1", hidden: 2688))
    #expect(try time(nil, hidden: 2560) == time("1", hidden: 2560))
    #expect(try time("maybe", hidden: 2560) == 0)
  }
}
