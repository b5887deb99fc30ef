internal import IR

/// One array in NumPy's .npy format, versions 1 to 3 (numpy.lib.format): magic, header length, a Python dictionary, elements.
enum NPYFile {
  static func tensor(_ bytes: ArraySlice<UInt8>) throws(DataFileError) -> Tensor {
    guard bytes.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else { throw DataFileError("not an .npy array") }
    let version = try bytes.littleEndian(6, 1)
    guard (1...3).contains(version) else { throw DataFileError("version \(version) of the .npy format is not known", at: 6) }
    let width = version == 1 ? 2 : 4
    let length = try bytes.littleEndian(8, width)
    let start = 8 + width
    guard length <= bytes.count - start, length <= 1 << 20 else { throw DataFileError("the header is longer than the file", at: 8) }
    let header = try Header(String(decoding: bytes.dropFirst(start).prefix(length), as: UTF8.self))
    let body = bytes.dropFirst(start + length)
    guard let count = header.shape.checkedProduct, count <= body.count else {
      throw DataFileError("shape \(header.shape) does not fit the file of \(bytes.count) bytes", at: start)
    }
    let needed = count * header.element.bits / 8
    guard needed <= body.count else {
      throw DataFileError("the file ends early: \(needed) bytes of elements expected, \(body.count) found", at: bytes.count)
    }
    let shape = header.isFortranOrder ? header.shape.reversed() : header.shape
    let tensor = try Tensor(header.element, shape, fileBytes: body.prefix(needed), isBigEndian: header.isBigEndian)
    return header.isFortranOrder ? try tensor.reversingAxes() : tensor
  }

  /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`
  private struct Header {
    var element = ElementType.float32
    var isBigEndian = false
    var isFortranOrder = false
    var shape: [Int] = []

    init(_ text: String) throws(DataFileError) {
      guard let descr = Header.value("descr", text)?.split(separator: ",").first?.filter({ !"' \"".contains($0) }),
        let order = Header.value("fortran_order", text), let extents = Header.value("shape", text)
      else {
        throw DataFileError("the header does not name descr, fortran_order and shape", at: 10)
      }
      guard let known = Header.types[String(descr.drop { "<>|=".contains($0) })] else {
        throw DataFileError("element type '\(descr)' is not supported", at: 10, fix: "convert the array with astype('float32')")
      }
      element = known
      isBigEndian = descr.hasPrefix(">")
      isFortranOrder = order.hasPrefix("True")
      guard extents.hasPrefix("("), let end = extents.firstIndex(of: ")") else { throw DataFileError("the shape is not a tuple", at: 10) }
      for part in extents[extents.index(after: extents.startIndex)..<end].split(separator: ",") {
        let digits = part.filter { $0 != " " }
        guard let extent = Int(digits), extent >= 0 else { throw DataFileError("'\(digits)' is not an extent", at: 10) }
        shape.append(extent)
      }
      guard shape.count <= 32 else { throw DataFileError("an array of \(shape.count) axes", at: 10) }
    }

    static let types: [String: ElementType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "u1": .uint8, "i2": .int16, "u2": .uint16, "i4": .int32, "u4": .uint32,
      "i8": .int64, "u8": .uint64, "b1": .bool,
    ]

    /// The text after `'key':`, without leading spaces.
    private static func value(_ key: String, _ text: String) -> Substring? {
      for quote in ["'", "\""] {
        guard let found = text.firstRange(of: "\(quote)\(key)\(quote)") else { continue }
        let rest = text[found.upperBound...].drop { $0 == " " }
        guard rest.first == ":" else { return nil }
        return rest.dropFirst().drop { $0 == " " }
      }
      return nil
    }
  }
}

extension Tensor {
  /// The transpose of all axes: from column-major to row-major order.
  fileprivate func reversingAxes() throws(DataFileError) -> Tensor {
    let target = Array(shape.reversed())
    var steps = [Int](repeating: 1, count: rank)
    for axis in 1..<max(rank, 1) { steps[axis] = steps[axis - 1] * target[axis - 1] }
    var order = [Int](repeating: 0, count: count)
    var index = [Int](repeating: 0, count: rank)
    for position in order.indices {
      order[position] = zip(index, steps).reduce(0) { $0 + $1.0 * $1.1 }
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < target[axis] { break }
        index[axis] = 0
      }
    }
    let elements: Elements =
      switch elements {
      case .float32(let v): .float32(order.map { v[$0] })
      case .float64(let v): .float64(order.map { v[$0] })
      case .int8(let v): .int8(order.map { v[$0] })
      case .uint8(let v): .uint8(order.map { v[$0] })
      case .int32(let v): .int32(order.map { v[$0] })
      case .int64(let v): .int64(order.map { v[$0] })
      case .bool(let v): .bool(order.map { v[$0] })
      case .string(let v): .string(order.map { v[$0] })
      }
    return Tensor(element, target, elements)
  }
}
