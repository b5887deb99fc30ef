package import IR

/// The number formats a what-if prediction assumes: `bf16`, `int8`, `w4a16` …
package struct PrecisionRequest: Sendable, Hashable {
  /// Spelling on the command line.
  package var name: String
  package var weights: ElementType
  /// Nil: the target's 16-bit float.
  package var activations: ElementType?
  /// Scales of the weights, nil when they are plain floats.
  package var weightGranularity: Encoding.Quantization.Granularity?
  /// Format of those scales: bytes in the block formats, 16 bits for groups of integers, else 32.
  package var weightScale = ElementType.float32
  /// Activations are quantised with a scale found at run time.
  package var isDynamic: Bool

  /// A spelling of the list, for weight-only formats also with who shares a scale: `w4a16-g64`, `w8a16-channel`.
  package static func named(_ name: String) -> PrecisionRequest? {
    let name = name.lowercased()
    if let known = spellings[name] { return known }
    guard let dash = name.lastIndex(of: "-"), var request = spellings[String(name[..<dash])], request.weights.bits < 16,
      request.activations?.bits != request.weights.bits
    else { return nil }
    let suffix = name[name.index(after: dash)...]
    if suffix == "channel" {
      request.weightGranularity = .channel(axis: 0)
    } else if suffix.first == "g", let size = Int(suffix.dropFirst()), (1...1 << 20).contains(size) {
      request.weightGranularity = .group(axis: 0, size: size)
      request.weightScale = .float16
    } else {
      return nil
    }
    request.name = name
    return request
  }

  package static let spellings: [String: PrecisionRequest] = {
    var table: [String: PrecisionRequest] = [:]
    func add(
      _ names: [String], _ weights: ElementType, _ activations: ElementType?, _ granularity: Encoding.Quantization.Granularity? = nil,
      scale: ElementType = .float32, dynamic: Bool = false
    ) {
      for name in names {
        table[name] = PrecisionRequest(
          name: names[0], weights: weights, activations: activations, weightGranularity: granularity, weightScale: scale,
          isDynamic: dynamic)
      }
    }
    add(["fp32", "f32"], .float32, .float32)
    add(["tf32"], .tfloat32, .tfloat32)
    add(["fp16", "f16"], .float16, .float16)
    add(["bf16"], .bfloat16, .bfloat16)
    add(["fp8", "f8e4m3"], .float8e4m3, .float8e4m3, .tensor, dynamic: true)
    add(["fp8-static"], .float8e4m3, .float8e4m3, .tensor)
    add(["int8", "i8", "w8a8"], .int8, .int8, .channel(axis: 0))
    add(["int8-dynamic", "w8a8-dynamic"], .int8, .int8, .channel(axis: 0), dynamic: true)
    add(["int4", "w4a4"], .int4, .int4, .channel(axis: 0))
    add(["w8a16"], .int8, nil, .channel(axis: 0))
    add(["w4a16"], .int4, nil, .group(axis: 0, size: 128), scale: .float16)
    add(["w4a8"], .int4, .int8, .group(axis: 0, size: 128), scale: .float16)
    add(["nvfp4"], .float4e2m1, .float4e2m1, .group(axis: 0, size: 16), scale: .float8e4m3, dynamic: true)
    add(["mxfp4"], .float4e2m1, .float4e2m1, .group(axis: 0, size: 32), scale: .float8e4m3, dynamic: true)
    return table
  }()
}
