import Hardware
import IR
import Testing

@testable import TensorCoreGPU

/// Products over a grid of shapes on every GPU of the repository: more work never takes clearly less time, and no device is
/// faster than its own floor.
@Suite("Shapes of products") struct ShapeSweepTests {
  private static var targets: [String] { NumberFormatTests.targets }

  private static let rows = [1, 2, 4, 8, 16, 17, 32, 33, 64, 96, 128, 129, 256, 384, 1024, 1025, 4096]
  private static let depths = [16, 32, 64, 256, 512, 768, 2048, 4096, 16_384]

  private func seconds(_ model: GEMMModel, _ format: ElementType, _ m: Int, _ n: Int, _ k: Int) throws -> Double {
    let shape = GEMMShape(m: m, n: n, k: k, activation: format, weight: format, output: format.bits < 16 ? .float16 : format)
    let choice = try #require(model.choosePath(for: shape))
    let estimate = model.estimate(choice.shape, on: choice.path)
    #expect(estimate.floorSeconds <= estimate.seconds, "\(m)×\(n)×\(k) \(format)")
    return estimate.seconds
  }

  @Test(arguments: targets) func moreWorkIsNeverMuchFaster(_ name: String) throws {
    let model = GEMMModel(try Targets.gpu(name))
    for format in [ElementType.float32, .float16, .int8] {
      for (n, k) in [(64, 64), (768, 768), (1000, 2048), (4096, 4096)] {
        var last = 0.0
        for m in Self.rows {
          let now = try seconds(model, format, m, n, k)
          #expect(now > 0.9 * last, "\(m)×\(n)×\(k) \(format)")
          last = now
        }
      }
      for (m, n) in [(1, 1024), (16, 256), (128, 2048)] {
        var (deeper, wider) = (0.0, 0.0)
        for extent in Self.depths {
          let depth = try seconds(model, format, m, n, extent)
          let width = try seconds(model, format, m, extent, n)
          #expect(depth > 0.9 * deeper, "\(m)×\(n)×\(extent) \(format)")
          #expect(width > 0.9 * wider, "\(m)×\(extent)×\(n) \(format)")
          (deeper, wider) = (depth, width)
        }
      }
    }
  }
}
