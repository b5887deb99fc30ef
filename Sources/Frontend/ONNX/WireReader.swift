internal import Basic

/// One field of a protocol-buffers message.
struct WireField {
  enum Payload {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// String, bytes, packed list or embedded message, as a range of the file.
    case bytes(Range<Int>)
  }

  let number: Int
  let payload: Payload
  /// Where its tag stands in the file.
  let offset: Int
}

/// A bounds-checked cursor over the protocol-buffers wire format (protobuf.dev, "Encoding").
///
/// Every length is compared with what is left before it is believed; nothing is allocated from a length.
struct WireReader {
  let file: MappedFile
  private(set) var position: Int
  let end: Int

  init(_ file: MappedFile) { self.init(file, 0..<file.count) }

  init(_ file: MappedFile, _ range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, nil at the end of the message.
  mutating func next() throws(Failure) -> WireField? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint()
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else {
      throw malformed("field number \(tag >> 3) is not allowed", at: start)
    }
    let number = Int(tag >> 3)
    switch tag & 7 {
    case 0: return WireField(number: number, payload: .varint(try varint()), offset: start)
    case 1: return WireField(number: number, payload: .fixed64(try fixed(UInt64.self)), offset: start)
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw malformed("field \(number) claims \(length) bytes but \(end - position) are left", at: start)
      }
      defer { position += Int(length) }
      return WireField(number: number, payload: .bytes(position..<position + Int(length)), offset: start)
    case 5: return WireField(number: number, payload: .fixed32(try fixed(UInt32.self)), offset: start)
    default: throw malformed("wire type \(tag & 7) is not used by ONNX", at: start)
    }
  }

  var isAtEnd: Bool { position >= end }

  mutating func varint() throws(Failure) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < end else { throw malformed("a number is cut off", at: start) }
      let byte = file.base.load(fromByteOffset: position, as: UInt8.self)
      position += 1
      guard shift < 63 || byte <= 1 else { throw malformed("a number is longer than 64 bits", at: start) }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  mutating func fixed<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws(Failure) -> T {
    guard end - position >= MemoryLayout<T>.size else { throw malformed("a number is cut off", at: position) }
    defer { position += MemoryLayout<T>.size }
    return T(littleEndian: file.base.loadUnaligned(fromByteOffset: position, as: T.self))
  }

  func malformed(_ message: String, at offset: Int) -> Failure {
    Failure("malformed model: \(message)", at: SourceLocation(file: file.name, byte: offset))
  }
}

extension WireField {
  func range(in reader: WireReader) throws(Failure) -> Range<Int> {
    guard case .bytes(let range) = payload else { throw wrong("bytes", in: reader) }
    return range
  }

  func message(in reader: WireReader) throws(Failure) -> WireReader { WireReader(reader.file, try range(in: reader)) }

  func string(in reader: WireReader) throws(Failure) -> String {
    let range = try range(in: reader)
    return String(
      decoding: UnsafeRawBufferPointer(start: reader.file.base + range.lowerBound, count: range.count), as: UTF8.self)
  }

  func integer(in reader: WireReader) throws(Failure) -> Int {
    guard case .varint(let value) = payload else { throw wrong("an integer", in: reader) }
    return Int(truncatingIfNeeded: value)
  }

  func float(in reader: WireReader) throws(Failure) -> Float {
    guard case .fixed32(let bits) = payload else { throw wrong("a float", in: reader) }
    return Float(bitPattern: bits)
  }

  /// Integers written one by one or packed.
  func appendIntegers(to list: inout [Int], in reader: WireReader) throws(Failure) {
    switch payload {
    case .varint(let value): list.append(Int(truncatingIfNeeded: value))
    case .bytes(let range):
      var packed = WireReader(reader.file, range)
      while !packed.isAtEnd { list.append(Int(truncatingIfNeeded: try packed.varint())) }
    case .fixed32, .fixed64: throw wrong("integers", in: reader)
    }
  }

  /// Floats written one by one or packed.
  func appendFloats(to list: inout [Float], in reader: WireReader) throws(Failure) {
    switch payload {
    case .fixed32(let bits): list.append(Float(bitPattern: bits))
    case .bytes(let range):
      var packed = WireReader(reader.file, range)
      while !packed.isAtEnd { list.append(Float(bitPattern: try packed.fixed(UInt32.self))) }
    case .varint, .fixed64: throw wrong("floats", in: reader)
    }
  }

  private func wrong(_ wanted: String, in reader: WireReader) -> Failure {
    reader.malformed("field \(number) must hold \(wanted)", at: offset)
  }
}
