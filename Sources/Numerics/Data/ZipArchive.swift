/// The members of a ZIP archive (PKWARE APPNOTE 6.3), stored or deflated, with 64-bit sizes: what `numpy.savez` writes.
struct ZipArchive {
  struct Member {
    let name: String
    fileprivate let method: Int
    fileprivate let checksum: UInt32
    fileprivate let count: Int
    fileprivate let bytes: ArraySlice<UInt8>

    /// The member's bytes, decompressed and checked.
    func contents() throws(DataFileError) -> [UInt8] {
      let result: [UInt8]
      switch method {
      case 0:
        guard count == bytes.count else { throw DataFileError("a stored member of two sizes", at: bytes.startIndex) }
        result = Array(bytes)
      case 8:
        // DEFLATE never shrinks beyond 1032 to 1, so a larger promise is a lie that would cost memory.
        guard count / 1032 <= bytes.count + 1 else {
          throw DataFileError("the announced size \(count) is impossible", at: bytes.startIndex)
        }
        result = try Inflation.deflate(bytes, count: count)
      default: throw DataFileError("compression method \(method) is not supported", at: bytes.startIndex, fix: "use numpy.savez")
      }
      guard Inflation.checksum(result) == checksum else { throw DataFileError("the checksum is wrong: the file is damaged") }
      return result
    }
  }

  let members: [Member]

  init(_ bytes: ArraySlice<UInt8>) throws(DataFileError) {
    var place = try ZipArchive.directory(bytes)
    var members: [Member] = []
    for _ in 0..<place.count {
      let (member, next) = try ZipArchive.member(bytes, at: place.start)
      members.append(member)
      place.start = next
    }
    self.members = members
  }

  /// Where the central directory starts and how many members it lists.
  private static func directory(_ bytes: ArraySlice<UInt8>) throws(DataFileError) -> (start: Int, count: Int) {
    let last = bytes.count - 22
    var place = last
    // The end record is followed by a comment of at most 65,535 bytes.
    while place >= max(0, last - 65535) {
      if try bytes.littleEndian(place, 4) == 0x0605_4B50 {
        var (count, start) = (try bytes.littleEndian(place + 10, 2), try bytes.littleEndian(place + 16, 4))
        if count == 0xFFFF || start == 0xFFFF_FFFF, place >= 20, try bytes.littleEndian(place - 20, 4) == 0x0706_4B50 {
          let record = try bytes.littleEndian(place - 12, 8)
          guard try bytes.littleEndian(record, 4) == 0x0606_4B50 else { throw DataFileError("a broken 64-bit end record", at: place - 20) }
          (count, start) = (try bytes.littleEndian(record + 32, 8), try bytes.littleEndian(record + 48, 8))
        }
        // A directory entry takes at least 46 bytes.
        guard count >= 0, start >= 0, start <= place, count <= (place - start) / 46 else {
          throw DataFileError("the archive's directory does not fit the file", at: place)
        }
        return (start, count)
      }
      place -= 1
    }
    throw DataFileError("the archive has no directory: it ends early", at: bytes.count)
  }

  private static func member(_ bytes: ArraySlice<UInt8>, at place: Int) throws(DataFileError) -> (Member, next: Int) {
    guard try bytes.littleEndian(place, 4) == 0x0201_4B50 else { throw DataFileError("a broken directory entry", at: place) }
    guard try bytes.littleEndian(place + 8, 2) & 1 == 0 else { throw DataFileError("an encrypted member", at: place) }
    var (packed, count) = (try bytes.littleEndian(place + 20, 4), try bytes.littleEndian(place + 24, 4))
    var local = try bytes.littleEndian(place + 42, 4)
    let (nameLength, extraLength) = (try bytes.littleEndian(place + 28, 2), try bytes.littleEndian(place + 30, 2))
    let next = place + 46 + nameLength + extraLength + (try bytes.littleEndian(place + 32, 2))
    guard next <= bytes.count else { throw DataFileError("a directory entry reaches past the end", at: place) }
    let name = String(decoding: bytes.dropFirst(place + 46).prefix(nameLength), as: UTF8.self)
    // Field 1 of the extra data holds, in this order, those of the three numbers that do not fit 32 bits.
    var extra = place + 46 + nameLength
    let end = extra + extraLength
    while extra + 4 <= end {
      let (tag, size) = (try bytes.littleEndian(extra, 2), try bytes.littleEndian(extra + 2, 2))
      if tag == 1 {
        var field = extra + 4
        for (isWide, store) in [(count == 0xFFFF_FFFF, 0), (packed == 0xFFFF_FFFF, 1), (local == 0xFFFF_FFFF, 2)] where isWide {
          let value = try bytes.littleEndian(field, 8)
          if store == 0 { count = value } else if store == 1 { packed = value } else { local = value }
          field += 8
        }
      }
      extra += 4 + size
    }
    guard count >= 0, packed >= 0, local >= 0, local <= bytes.count - 30, try bytes.littleEndian(local, 4) == 0x0403_4B50 else {
      throw DataFileError("member '\(name)' points outside the file", at: place)
    }
    let start = local + 30 + (try bytes.littleEndian(local + 26, 2)) + (try bytes.littleEndian(local + 28, 2))
    guard start <= bytes.count, packed <= bytes.count - start else {
      throw DataFileError("member '\(name)' reaches past the end", at: place)
    }
    let member = Member(
      name: name, method: try bytes.littleEndian(place + 10, 2),
      checksum: UInt32(truncatingIfNeeded: try bytes.littleEndian(place + 16, 4)), count: count,
      bytes: bytes.dropFirst(start).prefix(packed))
    return (member, next)
  }
}
