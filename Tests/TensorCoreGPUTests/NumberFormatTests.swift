import Hardware
import IR
import Testing

@testable import TensorCoreGPU

/// Every number format on every GPU of the repository: carried out as it is, emulated with a note, or refused.
struct NumberFormatTests {
  enum Support: Equatable { case native, emulated, refused }

  struct Format: Sendable, CustomTestStringConvertible {
    var name: String
    var activation: ElementType
    var weight: ElementType
    var isBlockScaled = false
    /// Compute capabilities that have it; everything else emulates it.
    var native: @Sendable (Double) -> Bool
    var testDescription: String { name }
  }

  private static let matrixUnits: @Sendable (Double) -> Bool = { $0 >= 7 }
  private static let floatEight: @Sendable (Double) -> Bool = { $0 >= 8.9 }

  static let formats = [
    Format(name: "fp32", activation: .float32, weight: .float32) { _ in true },
    Format(name: "tf32", activation: .tfloat32, weight: .tfloat32) { $0 >= 8 },
    Format(name: "fp16", activation: .float16, weight: .float16, native: matrixUnits),
    Format(name: "bf16", activation: .bfloat16, weight: .bfloat16) { $0 >= 8 },
    Format(name: "int8", activation: .int8, weight: .int8) { $0 >= 7.2 },
    // Data-centre parts dropped the 4-bit integers of Turing, Ampere and Ada; GB202 is assumed to run them no faster than 8-bit ones.
    Format(name: "int4", activation: .int4, weight: .int4) { ($0 >= 7.5 && $0 < 9) || $0 == 12 },
    Format(name: "fp8", activation: .float8e4m3, weight: .float8e4m3, native: floatEight),
    Format(name: "fp8 block", activation: .float8e4m3, weight: .float8e4m3, isBlockScaled: true) { $0 == 9 || $0 == 10 },
    Format(name: "w8a16", activation: .float16, weight: .int8, native: matrixUnits),
    Format(name: "w4a16", activation: .float16, weight: .int4, native: matrixUnits),
    Format(name: "fp4 block", activation: .float4e2m1, weight: .float4e2m1, isBlockScaled: true) { $0 == 10 || $0 == 12 },
  ]

  static var targets: [String] { Targets.catalog.files().filter { $0.path.contains("/targets/gpu/") }.map(\.name) }

  private func support(_ choice: GEMMPathChoice?) -> Support {
    guard let choice else { return .refused }
    return choice.notes.isEmpty ? .native : .emulated
  }

  @Test(arguments: formats) func isNativeOrSaysHowItIsEmulated(_ format: Format) throws {
    for name in Self.targets {
      let gpu = try Targets.gpu(name)
      let shape = GEMMShape(
        m: 64, n: 64, k: 256, activation: format.activation, weight: format.weight, output: .float16,
        isBlockScaled: format.isBlockScaled)
      let choice = GEMMModel(gpu).choosePath(for: shape)
      let hasIt = format.native(gpu.computeCapability)
      #expect(support(choice) == (hasIt ? .native : .emulated), "\(format.name) on \(name): \(choice?.notes ?? [])")
      guard let choice else { continue }
      #expect(GEMMModel(gpu).estimate(choice.shape, on: choice.path).seconds.isFinite)
      if !hasIt {
        #expect(choice.notes.allSatisfy { $0.contains(name) || $0.contains("ordinary cores") })
        #expect(choice.shape.activation != format.activation || choice.shape.isBlockScaled != format.isBlockScaled)
      }
    }
  }

  @Test(arguments: [ElementType.float64, .int16, .int32, .complex64]) func whatNoPathEmulatesIsRefused(_ format: ElementType)
    throws
  {
    for name in Self.targets {
      let shape = GEMMShape(m: 64, n: 64, k: 64, activation: format, weight: format, output: .float32)
      #expect(support(GEMMModel(try Targets.gpu(name)).choosePath(for: shape)) == .refused, "\(format) on \(name)")
    }
  }

  /// A static scale is folded into the producer; a dynamic one costs a kernel over the activations before the product.
  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb"]) func onlyDynamicScalesCostAQuantiseKernel(
    _ name: String
  ) throws {
    let model = GEMMModel(try Targets.gpu(name))
    var shape = GEMMShape(m: 4096, n: 4096, k: 4096, activation: .int8, weight: .int8, output: .float16)
    let path = try #require(model.choosePath(for: shape)).path
    #expect(model.estimate(shape, on: path).prelude == 0)
    shape.isDynamic = true
    #expect(model.estimate(shape, on: path).prelude > 1e-6)
  }

  /// The peak stays that of 16 bits: a large weight-only product is no faster than a 16-bit one.
  @Test(arguments: targets) func weightOnlyFormatsKeepTheArithmetic(_ name: String) throws {
    let model = GEMMModel(try Targets.gpu(name))
    func floor(_ weight: ElementType) throws -> Double {
      let shape = GEMMShape(m: 8192, n: 8192, k: 8192, activation: .float16, weight: weight, output: .float16)
      let choice = try #require(model.choosePath(for: shape))
      return model.estimate(choice.shape, on: choice.path).floorSeconds
    }
    #expect(try floor(.int8) >= floor(.float16) * 0.999)
    #expect(try floor(.int4) >= floor(.float16) * 0.999)
  }
}
