internal import IR

/// Pixels of an uncompressed or losslessly compressed picture file: 8 bits each of red, green and blue.
struct RasterImage {
  let width: Int
  let height: Int
  /// Row by row from the top, three bytes per pixel.
  let pixels: [UInt8]

  private init(_ width: Int, _ height: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Bitmaps of 24 bits, binary pixmaps, plain TIFF and PNG; other formats are refused.
  init(_ file: [UInt8]) throws(OperatorError) {
    if file.starts(with: Array("BM".utf8)) {
      self = try .bitmap(file)
    } else if file.starts(with: Array("P6".utf8)) {
      self = try .pixmap(file)
    } else if file.starts(with: [0x49, 0x49, 42, 0]) {
      self = try .tiff(file)
    } else if file.starts(with: PortableNetworkGraphics.signature) {
      let picture = try PortableNetworkGraphics(file)
      self.init(picture.width, picture.height, picture.pixels)
    } else {
      throw OperatorError(
        "no-image-decoder", "only BMP, PNM, TIFF and PNG pictures can be decoded here: decode others before the model runs")
    }
  }

  static func malformed(_ what: String) -> OperatorError {
    OperatorError("image-form", "the \(what) file is malformed or of an unsupported kind")
  }

  private static func size(_ width: Int, _ height: Int, _ what: String) throws(OperatorError) -> Int {
    guard (1...(1 << 16)).contains(width), (1...(1 << 16)).contains(height), width * height < 1 << 28 else { throw malformed(what) }
    return width * height * 3
  }

  /// Rows stand from the bottom up, blue first, padded to four bytes.
  private static func bitmap(_ file: [UInt8]) throws(OperatorError) -> RasterImage {
    guard file.count >= 54, file.number(28, 2) == 24, file.number(30, 4) == 0 else { throw malformed("BMP") }
    let (start, width, height) = (file.number(10, 4), file.number(18, 4), file.number(22, 4))
    let count = try size(width, height, "BMP")
    let stride = (width * 3 + 3) / 4 * 4
    guard start + stride * height <= file.count + 3 else { throw malformed("BMP") }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count)
    for row in (0..<height).reversed() {
      for column in 0..<width {
        let place = start + row * stride + column * 3
        guard place + 2 < file.count else { throw malformed("BMP") }
        pixels += [file[place + 2], file[place + 1], file[place]]
      }
    }
    return RasterImage(width, height, pixels)
  }

  private static func pixmap(_ file: [UInt8]) throws(OperatorError) -> RasterImage {
    var numbers: [Int] = []
    var place = 2
    while numbers.count < 3, place < file.count {
      let byte = file[place]
      if byte == UInt8(ascii: "#") {
        while place < file.count, file[place] != 10 { place += 1 }
      } else if (48...57).contains(byte) {
        var number = 0
        while place < file.count, (48...57).contains(file[place]), number < 1 << 20 {
          number = number * 10 + Int(file[place] - 48)
          place += 1
        }
        numbers.append(number)
        continue
      }
      place += 1
    }
    guard numbers.count == 3, numbers[2] == 255 else { throw malformed("PNM") }
    let count = try size(numbers[0], numbers[1], "PNM")
    guard place + 1 + count <= file.count else { throw malformed("PNM") }
    return RasterImage(numbers[0], numbers[1], Array(file[(place + 1)..<(place + 1 + count)]))
  }

  /// Little-endian, uncompressed strips of 8-bit pixels.
  private static func tiff(_ file: [UInt8]) throws(OperatorError) -> RasterImage {
    guard file.count > 8 else { throw malformed("TIFF") }
    let directory = file.number(4, 4)
    var tags: [Int: (type: Int, count: Int, place: Int)] = [:]
    guard directory + 2 <= file.count else { throw malformed("TIFF") }
    for entry in 0..<file.number(directory, 2) {
      let place = directory + 2 + entry * 12
      guard place + 12 <= file.count else { throw malformed("TIFF") }
      tags[file.number(place, 2)] = (file.number(place + 2, 2), file.number(place + 4, 4), place + 8)
    }
    func values(_ tag: Int) -> [Int] {
      guard let (type, count, place) = tags[tag], count < 1 << 20 else { return [] }
      let bytes = type == 3 ? 2 : 4
      let start = count * bytes <= 4 ? place : file.number(place, 4)
      guard start + count * bytes <= file.count else { return [] }
      return (0..<count).map { file.number(start + $0 * bytes, bytes) }
    }
    guard let width = values(256).first, let height = values(257).first, values(259).first ?? 1 == 1, values(277).first == 3 else {
      throw malformed("TIFF")
    }
    let count = try size(width, height, "TIFF")
    var pixels: [UInt8] = []
    for (offset, length) in zip(values(273), values(279)) {
      guard offset + length <= file.count else { throw malformed("TIFF") }
      pixels += file[offset..<(offset + length)]
    }
    guard pixels.count == count else { throw malformed("TIFF") }
    return RasterImage(width, height, pixels)
  }
}

extension [UInt8] {
  /// A little-endian number of `count` bytes; bytes beyond the end count as zero.
  fileprivate func number(_ place: Int, _ count: Int) -> Int {
    (0..<count).reversed().reduce(0) { $0 << 8 | (place + $1 < self.count ? Int(self[place + $1]) : 0) }
  }
}
