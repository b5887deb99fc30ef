import Hardware
import Testing

@testable import TensorCoreGPU

/// What board power does to the clock.
struct PowerLimitTests {
  private let board = PowerLimit(board: 100, idle: 20, clockExponent: 2.5, voltageFloor: 1e9, responseTime: 1e-4)
  private let boost = 2e9

  /// Dissipated watts at the share of the clock that was settled on.
  private func watts(_ demand: Double) -> Double {
    let share = board.clockShare(demand: demand, boost: boost)
    return board.idle + demand * share * board.voltageSquared(share, boost: boost)
  }

  @Test(arguments: [10.0, 79, 80]) func whatTheBoardFeedsRunsAtBoost(_ demand: Double) {
    #expect(board.clockShare(demand: demand, boost: boost) == 1)
  }

  @Test(arguments: [81.0, 120, 200, 400, 453, 1000, 5000]) func theBoardIsUsedUpAndNoMore(_ demand: Double) {
    #expect(abs(watts(demand) - board.board) < 1e-9 * demand, "\(watts(demand))")
  }

  /// Above the floor voltage follows the clock; below it twice the work takes twice the time.
  @Test func theClockFallsFasterBelowTheFloor() {
    let above = board.clockShare(demand: 120, boost: boost) / board.clockShare(demand: 240, boost: boost)
    let below = board.clockShare(demand: 1000, boost: boost) / board.clockShare(demand: 2000, boost: boost)
    #expect(above < 1.4 && abs(below - 2) < 1e-9)
    var last = 1.0
    for demand in stride(from: 80.0, through: 2000, by: 10) {
      let share = board.clockShare(demand: demand, boost: boost)
      #expect(share <= last && share > last * 0.8, "\(demand)")
      last = share
    }
  }

  @Test func shortKernelsFeelAPart() {
    let settled = board.clockShare(demand: 400, boost: boost)
    #expect(board.feltShare(work: 400e-6, seconds: 1e-6, boost: boost) > 0.98)
    #expect(abs(board.feltShare(work: 400, seconds: 1, boost: boost) - settled) < 1e-3)
  }

  /// No long product draws more than its board is fed with.
  @Test(arguments: ["nvidia-l4", "nvidia-t4", "nvidia-a40", "nvidia-l40s", "nvidia-a100-sxm4-80gb", "nvidia-h100-pcie-80gb"])
  func energyStaysWithinTheBoard(_ name: String) throws {
    let gpu = try Targets.gpu(name)
    let model = GEMMModel(gpu)
    let shape = GEMMShape(m: 8192, n: 8192, k: 8192, activation: .float16, weight: .float16, output: .float16)
    let product = model.estimate(shape, on: try #require(model.choosePath(for: shape)).path)
    #expect(product.energy / product.seconds < 1.05 * gpu.power.board, "\(product.energy / product.seconds) W")
    #expect(product.energy / product.seconds > 0.5 * gpu.power.board)
  }

  /// Attention of long prompts is held down as products are.
  @Test func longPromptsFeelThePowerToo() throws {
    let gpu = try Targets.gpu("nvidia-l4")
    var fed = gpu
    fed.power.board = 10_000
    func seconds(_ gpu: GPUDescription) throws -> Double {
      let model = AttentionModel(gpu, try #require(gpu.streaming), try #require(gpu.attention.first))
      let shape = AttentionShape(batch: 1, heads: 32, keyHeads: 8, queries: 8192, keys: 8192, headDimension: 128, isCausal: true)
      return try #require(model.estimate(shape)).seconds
    }
    #expect(try seconds(gpu) > 1.1 * seconds(fed))
  }
}
