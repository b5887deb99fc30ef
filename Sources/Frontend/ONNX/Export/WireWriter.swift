internal import IR

/// A protocol-buffers message under construction; tensor bytes are referred to, not copied, until the file is written.
struct WireWriter {
  enum Chunk {
    case bytes([UInt8])
    case tensor(TensorData)
  }

  private(set) var chunks: [Chunk] = []
  private(set) var byteCount = 0

  mutating func integer(_ field: Int, _ value: Int) {
    append(WireWriter.varint(UInt64(field) << 3) + WireWriter.varint(UInt64(bitPattern: Int64(value))))
  }

  mutating func float(_ field: Int, _ value: Float) {
    append(WireWriter.varint(UInt64(field) << 3 | 5) + withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init))
  }

  mutating func string(_ field: Int, _ value: String) {
    let utf8 = Array(value.utf8)
    append(header(field, utf8.count) + utf8)
  }

  mutating func message(_ field: Int, _ value: WireWriter) {
    append(header(field, value.byteCount))
    splice(value)
  }

  /// Appends the fields of another message.
  mutating func splice(_ value: WireWriter) {
    for chunk in value.chunks {
      switch chunk {
      case .bytes(let bytes): append(bytes)
      case .tensor: chunks.append(chunk)
      }
    }
    byteCount += value.tensorBytes
  }

  mutating func tensor(_ field: Int, _ data: TensorData) {
    append(header(field, data.byteCount))
    chunks.append(.tensor(data))
    byteCount += data.byteCount
  }

  /// Hands on all bytes in order.
  func write(_ part: (UnsafeRawBufferPointer) throws -> Void) throws {
    for chunk in chunks {
      switch chunk {
      case .bytes(let bytes): try bytes.withUnsafeBytes(part)
      case .tensor(let data): try data.withBytes(part)
      }
    }
  }

  private var tensorBytes: Int {
    chunks.reduce(0) { sum, chunk in
      if case .tensor(let data) = chunk { sum + data.byteCount } else { sum }
    }
  }

  private func header(_ field: Int, _ length: Int) -> [UInt8] {
    WireWriter.varint(UInt64(field) << 3 | 2) + WireWriter.varint(UInt64(length))
  }

  private mutating func append(_ bytes: [UInt8]) {
    byteCount += bytes.count
    if case .bytes(var last)? = chunks.last {
      // Taken out first, so that the bytes are appended in place and not to a copy.
      chunks.removeLast()
      last += bytes
      chunks.append(.bytes(last))
    } else {
      chunks.append(.bytes(bytes))
    }
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
}
