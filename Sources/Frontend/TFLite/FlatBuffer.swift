internal import Basic

/// A bounds-checked view of a FlatBuffers file (flatbuffers.dev, "FlatBuffer Internals").
///
/// Every offset is compared with the file before it is followed; offsets to tables, vectors and strings point forward only, so
/// that nothing can contain itself. Tables that many offsets share are read as often as they are named: reading more elements
/// than the file has bytes is refused, which bounds the work a small file can cause.
final class FlatBuffer {
  let file: MappedFile
  /// Elements of vectors that may still be read.
  private var budget: Int

  init(_ file: MappedFile) {
    self.file = file
    budget = max(file.count, 1024)
  }

  /// The table the file starts with.
  func root() throws(Failure) -> FlatTable { try table(at: try follow(0, what: "the root")) }

  /// A number at a place of the file.
  func scalar<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, at position: Int) throws(Failure) -> T {
    guard position >= 0, position <= file.count - MemoryLayout<T>.size else {
      throw malformed("a number lies beyond the end of the file", at: position)
    }
    return T(littleEndian: file.base.loadUnaligned(fromByteOffset: position, as: T.self))
  }

  /// Where the offset stored at `position` leads: forward, inside the file.
  func follow(_ position: Int, what: String) throws(Failure) -> Int {
    let offset = Int(try scalar(UInt32.self, at: position))
    guard offset >= 4, offset <= file.count - position - 4 else {
      throw malformed("the offset to \(what) leads out of the file", at: position)
    }
    return position + offset
  }

  func table(at position: Int) throws(Failure) -> FlatTable {
    let vtable = position - Int(try scalar(Int32.self, at: position))
    let (bytes, size) = (Int(try scalar(UInt16.self, at: vtable)), Int(try scalar(UInt16.self, at: vtable + 2)))
    guard bytes >= 4, bytes % 2 == 0, bytes <= file.count - vtable, size >= 4, size <= file.count - position else {
      throw malformed("the table's layout (\(bytes) bytes) or its fields (\(size) bytes) do not fit the file", at: position)
    }
    return FlatTable(buffer: self, position: position, vtable: vtable, slots: (bytes - 4) / 2, size: size)
  }

  /// Start and number of the elements of a vector whose length stands at `position`.
  func vector(at position: Int, stride: Int, what: String) throws(Failure) -> (start: Int, count: Int) {
    let count = Int(try scalar(UInt32.self, at: position))
    guard count <= (file.count - position - 4) / stride else {
      throw malformed("\(what) claims \(count) elements of \(stride) bytes but \(file.count - position - 4) bytes are left", at: position)
    }
    return (position + 4, count)
  }

  func spend(_ elements: Int, at position: Int) throws(Failure) {
    guard elements <= budget else {
      throw malformed("its parts refer to one another so often that they hold more elements than the file has bytes", at: position)
    }
    budget -= elements
  }

  func malformed(_ message: String, at position: Int) -> Failure {
    Failure("malformed model: \(message)", at: SourceLocation(file: file.name, byte: max(0, position)))
  }
}

/// One table: fields are found by slot through the table's layout, absent ones have their default.
struct FlatTable {
  let buffer: FlatBuffer
  let position: Int
  fileprivate let vtable: Int
  fileprivate let slots: Int
  fileprivate let size: Int

  /// Where a field of `bytes` bytes is stored, nil when it is absent.
  private func field(_ slot: Int, bytes: Int) throws(Failure) -> Int? {
    guard slot < slots else { return nil }
    let offset = Int(try buffer.scalar(UInt16.self, at: vtable + 4 + 2 * slot))
    guard offset != 0 else { return nil }
    guard offset >= 4, offset <= size - bytes else {
      throw buffer.malformed("field \(slot) lies outside its table", at: position)
    }
    return position + offset
  }

  func number<T: FixedWidthInteger & BitwiseCopyable>(_ slot: Int, as type: T.Type, default value: T = 0) throws(Failure) -> Int {
    guard let place = try field(slot, bytes: MemoryLayout<T>.size) else { return Int(clamping: value) }
    return Int(clamping: try buffer.scalar(type, at: place))
  }

  /// A 32-bit integer, as most options are.
  func integer(_ slot: Int, default value: Int32 = 0) throws(Failure) -> Int { try number(slot, as: Int32.self, default: value) }

  /// An enumeration of 8 bits.
  func code(_ slot: Int) throws(Failure) -> Int { try number(slot, as: Int8.self) }

  func flag(_ slot: Int, default value: Bool = false) throws(Failure) -> Bool {
    try number(slot, as: UInt8.self, default: value ? 1 : 0) != 0
  }

  func float(_ slot: Int) throws(Failure) -> Float {
    guard let place = try field(slot, bytes: 4) else { return 0 }
    return Float(bitPattern: try buffer.scalar(UInt32.self, at: place))
  }

  /// Where the table, vector or string of a slot begins, nil when it is absent.
  private func target(_ slot: Int, _ what: String) throws(Failure) -> Int? {
    guard let place = try field(slot, bytes: 4) else { return nil }
    return try buffer.follow(place, what: what)
  }

  func table(_ slot: Int, _ what: String) throws(Failure) -> FlatTable? {
    guard let position = try target(slot, what) else { return nil }
    return try buffer.table(at: position)
  }

  func tables(_ slot: Int, _ what: String) throws(Failure) -> [FlatTable] {
    guard let position = try target(slot, what) else { return [] }
    let (start, count) = try buffer.vector(at: position, stride: 4, what: what)
    try buffer.spend(count, at: position)
    var result: [FlatTable] = []
    result.reserveCapacity(count)
    for index in 0..<count { result.append(try buffer.table(at: try buffer.follow(start + 4 * index, what: what))) }
    return result
  }

  /// Numbers of a vector; nil when it is absent.
  func numbers<T: FixedWidthInteger & BitwiseCopyable>(_ slot: Int, as type: T.Type, _ what: String) throws(Failure) -> [Int]? {
    guard let position = try target(slot, what) else { return nil }
    let (start, count) = try buffer.vector(at: position, stride: MemoryLayout<T>.size, what: what)
    try buffer.spend(count, at: position)
    var result: [Int] = []
    result.reserveCapacity(count)
    for index in 0..<count { result.append(Int(clamping: try buffer.scalar(type, at: start + MemoryLayout<T>.size * index))) }
    return result
  }

  func floats(_ slot: Int, _ what: String) throws(Failure) -> [Float]? {
    try numbers(slot, as: UInt32.self, what)?.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
  }

  /// The place of a vector of bytes, which stays where it is; nil when it is absent.
  func bytes(_ slot: Int, _ what: String) throws(Failure) -> Range<Int>? {
    guard let position = try target(slot, what) else { return nil }
    let (start, count) = try buffer.vector(at: position, stride: 1, what: what)
    return start..<start + count
  }

  func string(_ slot: Int, _ what: String) throws(Failure) -> String {
    guard let range = try bytes(slot, what) else { return "" }
    try buffer.spend(range.count, at: range.lowerBound)
    return buffer.file.withBytes(range) { String(decoding: $0, as: UTF8.self) }
  }
}
