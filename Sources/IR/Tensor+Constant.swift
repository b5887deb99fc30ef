extension Tensor {
  /// The elements of a constant; nil when it has none at hand or its type is not evaluated (complex numbers).
  package init?(_ constant: Constant) {
    guard let shape = constant.type.constantShape, let count = constant.type.elementCount else { return nil }
    let element = constant.type.element
    switch constant.payload {
    case .absent: return nil
    case .strings(let values):
      guard values.count == count else { return nil }
      self.init(element, shape, .string(values))
    case .bytes(let data):
      guard data.byteCount >= element.bytes(count), let elements = data.withBytes({ Elements($0, count, element) })
      else {
        return nil
      }
      self.init(element, shape, elements)
    }
  }
}

extension Tensor.Elements {
  /// Packed little-endian elements as they stand in model files; 4-bit and 2-bit elements start at the low bits.
  fileprivate init?(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ element: ElementType) {
    func load<T: BitwiseCopyable>(_ type: T.Type) -> [T] {
      [T](unsafeUninitializedCapacity: count) { buffer, filled in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count * MemoryLayout<T>.stride)))
        filled = count
      }
    }
    func packed(_ width: Int) -> [UInt8] {
      (0..<count).map { bytes[$0 * width / 8] >> UInt8($0 * width % 8) & UInt8(1 << width - 1) }
    }
    switch element {
    case .float32, .tfloat32: self = .float32(load(Float.self))
    case .float64: self = .float64(load(Double.self))
    case .int8: self = .int8(load(Int8.self))
    case .uint8: self = .uint8(load(UInt8.self))
    case .bool: self = .bool(load(UInt8.self).map { $0 != 0 })
    case .int16: self = .int32(load(Int16.self).map(Int32.init))
    case .uint16: self = .int32(load(UInt16.self).map(Int32.init))
    case .int32: self = .int32(load(Int32.self))
    case .uint32: self = .int64(load(UInt32.self).map(Int64.init))
    case .int64, .uint64: self = .int64(load(Int64.self))
    case .int4: self = .int8(packed(4).map { Int8(bitPattern: $0 << 4) >> 4 })
    case .int2: self = .int8(packed(2).map { Int8(bitPattern: $0 << 6) >> 6 })
    case .uint4: self = .uint8(packed(4))
    case .uint2: self = .uint8(packed(2))
    case .float16, .bfloat16: self = .float32(load(UInt16.self).map { NumberFormat.decode($0, as: element) ?? 0 })
    case .float8e4m3, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      self = .float32(load(UInt8.self).map { NumberFormat.decode(UInt16($0), as: element) ?? 0 })
    case .float4e2m1: self = .float32(packed(4).map { NumberFormat.decode(UInt16($0), as: element) ?? 0 })
    case .string, .complex64, .complex128: return nil
    }
  }
}

extension Constant {
  /// The elements of a tensor as a constant with its own bytes.
  package init(_ tensor: Tensor) {
    if case .string(let values) = tensor.elements {
      self.init(tensor.type, .strings(values))
    } else {
      self.init(tensor.type, .bytes(TensorData(.inline(tensor.packedBytes))))
    }
  }
}

extension Tensor {
  /// Little-endian elements at the width of the element type, as model files store them; empty for strings.
  package var packedBytes: [UInt8] {
    func raw<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes(Array.init) }
    func packed(_ values: [UInt8], _ width: Int) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: (values.count * width + 7) / 8)
      for (index, value) in values.enumerated() {
        bytes[index * width / 8] |= (value & UInt8(1 << width - 1)) << UInt8(index * width % 8)
      }
      return bytes
    }
    switch elements {
    case .string: return []
    case .float64(let values): return raw(values)
    case .bool(let values): return values.map { $0 ? 1 : 0 }
    case .int8(let values):
      return element.bits == 8 ? raw(values) : packed(values.map { UInt8(bitPattern: $0) }, element.bits)
    case .uint8(let values): return element.bits == 8 ? values : packed(values, element.bits)
    case .int32(let values):
      return element.bits == 32 ? raw(values) : raw(values.map { UInt16(truncatingIfNeeded: $0) })
    case .int64(let values):
      return element.bits == 64 ? raw(values) : raw(values.map { UInt32(truncatingIfNeeded: $0) })
    case .float32(let values):
      guard element.bits < 32 else { return raw(values) }
      let codes = values.map { NumberFormat.encode($0, as: element) ?? 0 }
      switch element.bits {
      case 16: return raw(codes)
      case 8: return codes.map { UInt8(truncatingIfNeeded: $0) }
      default: return packed(codes.map { UInt8(truncatingIfNeeded: $0) }, element.bits)
      }
    }
  }
}
