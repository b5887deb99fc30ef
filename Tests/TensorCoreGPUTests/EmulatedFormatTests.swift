import Basic
import Hardware
import IR
import Testing

@testable import TensorCoreGPU

/// Formats that a machine lacks.
struct EmulatedFormatTests {
  /// An emulated format reads as many bytes and starts as many kernels as the native one beside it.
  @Test(arguments: ["nvidia-t4", "nvidia-v100-sxm2-16gb", "nvidia-jetson-xavier-nx"], [1, 4, 32, 512])
  func emulationIsNeverFaster(_ target: String, _ rows: Int) throws {
    let model = ContractionModel(try GPUDescription(Targets.catalog.load(target)))
    func seconds(_ format: ElementType) throws -> Double {
      func operand(_ count: Int, isConstant: Bool = false) -> Operand {
        Operand(element: format, encoding: .dense, count: count, isConstant: isConstant)
      }
      let product = Contraction(
        batch: 1, m: rows, n: 4096, k: 2048, lhs: operand(rows * 2048), rhs: operand(2048 * 4096, isConstant: true),
        output: operand(rows * 4096))
      return try model.estimate(product).seconds
    }
    #expect(try seconds(.bfloat16) >= seconds(.float16))
  }
}
