internal import Basic
internal import IR
internal import Ops

/// Makes constants of tensor messages: raw, packed and external data stay ranges of their file.
struct TensorDecoder {
  let file: MappedFile
  let external: ExternalFiles

  /// Elements a sparse tensor may have when spread out.
  private static let sparseLimit = 1 << 26

  func constant(_ tensor: TensorMessage) throws(Failure) -> Constant {
    do {
      let type = try type(tensor)
      return Constant(type, try payload(tensor, type))
    } catch {
      throw tensor.name.isEmpty ? error : error.prefixed("tensor '\(tensor.name)': ")
    }
  }

  private func type(_ tensor: TensorMessage) throws(Failure) -> TensorType {
    guard let element = ElementType(onnxCode: tensor.dataType) else {
      throw malformed("element type \(tensor.dataType) is unknown", tensor)
    }
    let type = TensorType(element, tensor.dims)
    guard type.elementCount.map({ $0 < 1 << 56 }) == true else {
      throw malformed("dimensions \(tensor.dims) are not a possible shape", tensor)
    }
    return type
  }

  private func payload(_ tensor: TensorMessage, _ type: TensorType) throws(Failure) -> Constant.Payload {
    let count = type.elementCount ?? 0
    if tensor.isExternal { return .bytes(TensorData(try externalRange(tensor, bytes: type.element.bytes(count)))) }
    if type.element == .string { return try .strings(strings(tensor, count: count)) }
    let wanted = type.element.bytes(count)
    if let raw = tensor.raw {
      guard raw.count == wanted else {
        throw malformed(
          "shape \(tensor.dims) of \(type.element.rawValue) takes \(wanted) bytes but \(raw.count) are there", tensor)
      }
      return .bytes(TensorData(.mapped(file, raw)))
    }
    let storage = try typedData(tensor, type.element, bytes: wanted)
    let data = TensorData(storage)
    guard data.byteCount == wanted else {
      throw malformed(
        "shape \(tensor.dims) of \(type.element.rawValue) takes \(wanted) bytes but the data holds \(data.byteCount)",
        tensor)
    }
    return .bytes(data)
  }

  private func externalRange(_ tensor: TensorMessage, bytes wanted: Int) throws(Failure) -> TensorData.Storage {
    guard let location = tensor.external["location"] else {
      throw malformed("external data without a location", tensor)
    }
    let source: MappedFile
    do { source = try external.file(at: location) } catch {
      throw Failure(
        error.diagnostics.map { .error($0.message, at: SourceLocation(file: file.name, byte: tensor.offset)) })
    }
    func number(_ key: String) throws(Failure) -> Int? {
      guard let text = tensor.external[key] else { return nil }
      guard let value = Int(text), value >= 0 else {
        throw malformed("external \(key) '\(text)' is not a size", tensor)
      }
      return value
    }
    let offset = try number("offset") ?? 0
    if let length = try number("length"), length != wanted {
      throw malformed("external data has \(length) bytes but the shape takes \(wanted)", tensor)
    }
    guard offset <= source.count, wanted <= source.count - offset else {
      throw malformed(
        "external data ends at byte \(offset) + \(wanted) but '\(location)' has \(source.count)", tensor)
    }
    return .mapped(source, offset..<offset + wanted)
  }

  private func strings(_ tensor: TensorMessage, count: Int) throws(Failure) -> [String] {
    let reader = WireReader(file)
    var result: [String] = []
    for field in tensor.typed where field.number == 6 { result.append(try field.string(in: reader)) }
    guard result.count == count else { throw malformed("shape \(tensor.dims) but \(result.count) strings", tensor) }
    return result
  }

  /// `float_data` and the like. A single packed block of fixed-width numbers already is what is wanted.
  private func typedData(_ tensor: TensorMessage, _ element: ElementType, bytes wanted: Int) throws(Failure)
    -> TensorData.Storage
  {
    let number: Int
    switch element {
    case .float32, .complex64: number = 4
    case .float64, .complex128: number = 10
    case .int64: number = 7
    case .uint32, .uint64: number = 11
    default: number = 5
    }
    let fields = tensor.typed.filter { $0.number == number }
    let isFixed = number == 4 || number == 10
    if isFixed, fields.count == 1, case .bytes(let range) = fields[0].payload { return .mapped(file, range) }
    let width = isFixed ? 0 : min(element.bits, 64)
    var bytes: [UInt8] = []
    for field in fields {
      switch field.payload {
      case .fixed32(let value): withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
      case .fixed64(let value): withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
      case .varint(let value): append(value, width: width, to: &bytes)
      case .bytes(let range) where isFixed: bytes += file.withBytes(range) { Array($0) }
      case .bytes(let range):
        var packed = WireReader(file, range)
        while !packed.isAtEnd {
          append(try packed.varint(), width: width, to: &bytes)
          guard bytes.count <= wanted else { throw malformed("more data than shape \(tensor.dims) holds", tensor) }
        }
      }
    }
    return .inline(bytes)
  }

  /// Types narrower than a byte come packed, a byte per number.
  private func append(_ value: UInt64, width: Int, to bytes: inout [UInt8]) {
    for byte in 0..<max(1, width / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
  }

  /// A sparse tensor spread out: indices are positions in row-major order [NNZ] or coordinates [NNZ, rank].
  func constant(_ sparse: SparseTensorMessage) throws(Failure) -> Constant {
    let values = try constant(sparse.values)
    let indices = try constant(sparse.indices)
    let type = TensorType(values.type.element, sparse.dims)
    guard let count = type.elementCount, count <= TensorDecoder.sparseLimit, values.type.rank == 1,
      let stored = values.type.elementCount, indices.type.element == .int64, values.type.element.bits % 8 == 0,
      case .bytes(let valueBytes) = values.payload, case .bytes(let indexBytes) = indices.payload
    else { throw malformed("sparse tensor of shape \(sparse.dims) cannot be spread out", sparse.values) }
    let rank = indices.type.rank == 2 ? sparse.dims.count : 1
    guard indices.type.elementCount == stored * rank else {
      throw malformed("sparse indices do not fit the values", sparse.indices)
    }
    let width = values.type.element.bits / 8
    var bytes = [UInt8](repeating: 0, count: count * width)
    let numbers = indexBytes.withBytes { source in
      (0..<stored * rank).map { Int(source.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
    }
    for item in 0..<stored {
      var position = numbers[item * rank]
      if rank > 1 || indices.type.rank == 2 {
        position = 0
        for axis in 0..<rank {
          let coordinate = numbers[item * rank + axis]
          guard coordinate >= 0, coordinate < sparse.dims[axis] else {
            throw malformed("sparse index out of range", sparse.indices)
          }
          position = position * sparse.dims[axis] + coordinate
        }
      }
      guard position >= 0, position < count else { throw malformed("sparse index out of range", sparse.indices) }
      valueBytes.withBytes { source in
        for byte in 0..<width { bytes[position * width + byte] = source[item * width + byte] }
      }
    }
    return Constant(type, .bytes(TensorData(.inline(bytes))))
  }

  private func malformed(_ message: String, _ tensor: TensorMessage) -> Failure {
    Failure("malformed model: \(message)", at: SourceLocation(file: file.name, byte: tensor.offset))
  }
}

extension Failure {
  func prefixed(_ prefix: String) -> Failure {
    Failure(
      diagnostics.map { diagnostic in
        var changed = diagnostic
        changed.message = prefix + changed.message
        return changed
      })
  }
}
