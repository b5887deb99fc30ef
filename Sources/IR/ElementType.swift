/// What one element of a tensor is.
package enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case float64 = "f64", float32 = "f32", float16 = "f16", bfloat16 = "bf16"
  case float8e4m3 = "f8e4m3", float8e4m3fnuz = "f8e4m3fnuz", float8e5m2 = "f8e5m2", float8e5m2fnuz = "f8e5m2fnuz"
  case float4e2m1 = "f4e2m1", tfloat32 = "tf32"
  case int64 = "i64", int32 = "i32", int16 = "i16", int8 = "i8", int4 = "i4", int2 = "i2"
  case uint64 = "u64", uint32 = "u32", uint16 = "u16", uint8 = "u8", uint4 = "u4", uint2 = "u2"
  case bool = "bool", string = "string", complex64 = "c64", complex128 = "c128"

  /// Storage of one element in bits (a string counts as a 64-bit reference).
  package var bits: Int {
    switch self {
    case .complex128: 128
    case .float64, .int64, .uint64, .string, .complex64: 64
    case .float32, .int32, .uint32, .tfloat32: 32
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float8e4m3, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .int8, .uint8, .bool: 8
    case .float4e2m1, .int4, .uint4: 4
    case .int2, .uint2: 2
    }
  }

  package var isFloat: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .tfloat32, .float8e4m3, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float4e2m1:
      true
    case .int64, .int32, .int16, .int8, .int4, .int2, .uint64, .uint32, .uint16, .uint8, .uint4, .uint2, .bool,
      .string, .complex64, .complex128:
      false
    }
  }

  package var isInteger: Bool { isSignedInteger || isUnsignedInteger }

  package var isSignedInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .int4, .int2: true
    default: false
    }
  }

  package var isUnsignedInteger: Bool {
    switch self {
    case .uint64, .uint32, .uint16, .uint8, .uint4, .uint2: true
    default: false
    }
  }

  /// Bytes of `count` packed elements, rounded up.
  package func bytes(_ count: Int) -> Int { (count * bits + 7) / 8 }
}
