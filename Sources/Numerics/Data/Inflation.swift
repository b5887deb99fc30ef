internal import CZlib

/// Decompression through zlib with a limit on what comes out.
enum Inflation {
  /// A gzip file (RFC 1952), at most `limit` bytes.
  static func gzip(_ bytes: ArraySlice<UInt8>, limit: Int) throws(DataFileError) -> [UInt8] {
    try inflate(bytes, windowBits: 31, limit: limit, isExact: false)
  }

  /// A raw DEFLATE stream (RFC 1951) of exactly `count` bytes.
  static func deflate(_ bytes: ArraySlice<UInt8>, count: Int) throws(DataFileError) -> [UInt8] {
    try inflate(bytes, windowBits: -15, limit: count, isExact: true)
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    // crc32_z takes any length, crc32 only 32 bits of it.
    UInt32(truncatingIfNeeded: bytes.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) })
  }

  private static func inflate(_ bytes: ArraySlice<UInt8>, windowBits: Int32, limit: Int, isExact: Bool) throws(DataFileError) -> [UInt8] {
    var stream = z_stream()
    guard czlib_inflate_init(&stream, windowBits) == Z_OK else { throw DataFileError("zlib cannot start") }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    output.reserveCapacity(isExact ? limit : min(limit, bytes.count * 4))
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var input = Array(bytes)
    let size = input.count
    var status = Z_OK
    input.withUnsafeMutableBufferPointer { source in
      chunk.withUnsafeMutableBufferPointer { target in
        var read = 0
        while status == Z_OK {
          if stream.avail_in == 0 {
            let piece = min(size - read, 1 << 30)
            stream.next_in = source.baseAddress.map { $0 + read }
            stream.avail_in = UInt32(piece)
            read += piece
          }
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          let produced = target.count - Int(stream.avail_out)
          guard output.count + produced <= limit else {
            status = Z_MEM_ERROR
            break
          }
          output.append(contentsOf: target[..<produced])
          if produced == 0, stream.avail_in == 0, read == size { break }
        }
      }
    }
    guard status == Z_STREAM_END else {
      throw DataFileError(status == Z_MEM_ERROR ? "more compressed data than announced" : "the compressed data are damaged or end early")
    }
    guard !isExact || output.count == limit else {
      throw DataFileError("\(output.count) bytes came out of the compressed data instead of \(limit)")
    }
    return output
  }
}
