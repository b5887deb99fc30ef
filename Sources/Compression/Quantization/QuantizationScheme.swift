package import IR

/// A stored number format and who shares a scale.
package struct QuantizationScheme: Sendable, Hashable {
  /// How a scale itself is stored.
  package enum ScaleFormat: String, Sendable, Hashable, Codable {
    case float32
    /// A power of two, 8 bits of exponent (OCP Microscaling formats 1.0, E8M0).
    case powerOfTwo = "power_of_two"
    /// Float8 E4M3 under one float32 scale for the whole tensor (NVFP4).
    case float8 = "float8"

    package var bits: Int {
      switch self {
      case .float32: 32
      case .powerOfTwo, .float8: 8
      }
    }
  }

  /// int4 … int16, uint4 … uint16, float8, float4, float16 or bfloat16.
  package var storage: ElementType
  /// Bits of an integer that are used, at most those of the storage: 3-bit numbers are stored in int4.
  package var bits: Int
  package var granularity: Encoding.Quantization.Granularity
  /// Symmetric: the zero point is 0 (signed) or the middle of the range (unsigned).
  package var isSymmetric: Bool
  package var scaleFormat: ScaleFormat
  /// The scale is found when the model runs.
  package var isDynamic: Bool
  /// Bits of an index into a table of stored numbers; nil when the numbers themselves are stored.
  package var codebookBits: Int?
  /// Output channels that share a table; nil for one table per tensor.
  package var codebookChannels: Int?

  package init(
    storage: ElementType, granularity: Encoding.Quantization.Granularity = .tensor, isSymmetric: Bool = true,
    scaleFormat: ScaleFormat = .float32, isDynamic: Bool = false, bits: Int? = nil
  ) {
    self.storage = storage
    self.bits = min(bits ?? storage.bits, storage.bits)
    self.granularity = granularity
    self.isSymmetric = isSymmetric
    self.scaleFormat = scaleFormat
    self.isDynamic = isDynamic
  }

  /// Float16 and bfloat16 have range enough and no scale.
  package var hasScale: Bool { storage != .float16 && storage != .bfloat16 }

  /// Smallest and largest stored number.
  package var codeRange: ClosedRange<Double> {
    if storage.isUnsignedInteger { return 0...Double((1 << bits) - 1) }
    if storage.isSignedInteger { return -Double(1 << (bits - 1))...Double((1 << (bits - 1)) - 1) }
    let largest: Double =
      switch storage {
      case .float8e4m3: 448
      case .float8e5m2: 57344
      case .float4e2m1: 6
      default: Double.greatestFiniteMagnitude
      }
    return -largest...largest
  }

  /// The encoding machines see.
  package var encoding: Encoding.Quantization {
    let scale: ElementType = scaleFormat == .float32 ? .float32 : .float8e4m3
    return Encoding.Quantization(
      storage: storage, granularity: granularity, scale: scale, isAsymmetric: !isSymmetric, isDynamic: isDynamic)
  }

  /// The number format alone: `int8`, `codebook of 16 int8`.
  package var formatTitle: String {
    let plain: String =
      switch storage {
      case .float16: "fp16"
      case .bfloat16: "bf16"
      case .float8e4m3: "fp8-e4m3"
      case .float8e5m2: "fp8-e5m2"
      case .float4e2m1: scaleFormat == .float8 ? "nvfp4" : scaleFormat == .powerOfTwo ? "mxfp4" : "fp4"
      default: (storage.isUnsignedInteger ? "uint" : "int") + "\(bits)"
      }
    guard let codebookBits else { return plain }
    return "codebook of \(1 << codebookBits) \(plain)" + (codebookChannels.map { " per \($0) channels" } ?? "")
  }

  /// For tables: `int8 channel`, `uint8 tensor`, `int4 group 64`.
  package var title: String {
    guard hasScale else { return formatTitle }
    return switch granularity {
    case .tensor: "\(formatTitle) tensor"
    case .channel: codebookChannels == nil ? "\(formatTitle) channel" : formatTitle
    case .group(_, let size): "\(formatTitle) group \(size)"
    case .token: "\(formatTitle) token"
    }
  }
}
