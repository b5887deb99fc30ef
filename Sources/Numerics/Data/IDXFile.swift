internal import IR

/// One array in the IDX format of the MNIST family: two zero bytes, a type code, the rank, big-endian extents and elements.
enum IDXFile {
  static func tensor(_ bytes: ArraySlice<UInt8>) throws(DataFileError) -> Tensor {
    guard bytes.count >= 4, bytes.starts(with: [0, 0]) else { throw DataFileError("not IDX data", at: 0) }
    let code = try bytes.littleEndian(2, 1)
    guard let element = types[code] else { throw DataFileError("IDX type code 0x\(String(code, radix: 16)) is not known", at: 2) }
    let rank = try bytes.littleEndian(3, 1)
    guard rank <= 8 else { throw DataFileError("an IDX array of \(rank) axes", at: 3) }
    var shape: [Int] = []
    for axis in 0..<rank {
      var extent = 0
      for byte in 0..<4 { extent = extent << 8 | (try bytes.littleEndian(4 + 4 * axis + byte, 1)) }
      shape.append(extent)
    }
    let body = bytes.dropFirst(4 + 4 * rank)
    guard let count = shape.checkedProduct, count <= body.count, count * element.bits / 8 == body.count else {
      throw DataFileError("shape \(shape) of \(element.rawValue) does not fit \(body.count) bytes of elements", at: 4)
    }
    return try Tensor(element, shape, fileBytes: body, isBigEndian: true)
  }

  /// The most bytes a compressed file of this size can hold: DEFLATE never shrinks beyond 1032 to 1.
  static func largestBytes(compressed: Int) -> Int { min(compressed, 1 << 40) * 1032 + 64 }

  private static let types: [Int: ElementType] = [
    0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
  ]
}
