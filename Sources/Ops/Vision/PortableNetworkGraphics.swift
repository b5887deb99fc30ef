internal import IR

/// A PNG picture of 8 bits per sample, not interlaced: grey, red-green-blue, or either with transparency (ignored).
struct PortableNetworkGraphics {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]

  private(set) var width = 0
  private(set) var height = 0
  private(set) var pixels: [UInt8] = []

  init(_ file: [UInt8]) throws(OperatorError) {
    func number(_ place: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(file[place + $1]) } }
    var samples = 0
    var stream: [UInt8] = []
    var place = 8
    while place + 12 <= file.count {
      let length = number(place)
      guard place + 12 + length <= file.count else { throw RasterImage.malformed("PNG") }
      let body = file[(place + 8)..<(place + 8 + length)]
      switch String(decoding: file[(place + 4)..<(place + 8)], as: UTF8.self) {
      case "IHDR":
        guard length == 13, file[place + 16] == 8, file[place + 20] == 0 else { throw RasterImage.malformed("PNG") }
        (width, height) = (number(place + 8), number(place + 12))
        samples = [0: 1, 2: 3, 4: 2, 6: 4][file[place + 17]] ?? 0
      case "IDAT": stream += body
      default: break
      }
      place += 12 + length
    }
    guard (1...(1 << 16)).contains(width), (1...(1 << 16)).contains(height), width * height < 1 << 28, samples > 0, stream.count > 6 else {
      throw RasterImage.malformed("PNG")
    }
    let stride = width * samples
    var rows = try Inflate.bytes(stream[2...], limit: (stride + 1) * height)
    guard rows.count == (stride + 1) * height else { throw RasterImage.malformed("PNG") }
    for row in 0..<height { try unfilter(&rows, row, stride, samples) }
    pixels.reserveCapacity(width * height * 3)
    for row in 0..<height {
      for column in 0..<width {
        let start = row * (stride + 1) + 1 + column * samples
        pixels += samples < 3 ? [rows[start], rows[start], rows[start]] : [rows[start], rows[start + 1], rows[start + 2]]
      }
    }
  }

  /// Every row says how its bytes were predicted: from the left, from above, from both.
  private func unfilter(_ rows: inout [UInt8], _ row: Int, _ stride: Int, _ samples: Int) throws(OperatorError) {
    let start = row * (stride + 1) + 1
    let filter = rows[start - 1]
    guard filter <= 4 else { throw RasterImage.malformed("PNG") }
    for index in 0..<stride {
      let left = index >= samples ? Int(rows[start + index - samples]) : 0
      let above = row > 0 ? Int(rows[start + index - stride - 1]) : 0
      let corner = row > 0 && index >= samples ? Int(rows[start + index - stride - 1 - samples]) : 0
      let predicted =
        switch filter {
        case 1: left
        case 2: above
        case 3: (left + above) / 2
        case 4: nearest(to: left + above - corner, left, above, corner)
        default: 0
        }
      rows[start + index] &+= UInt8(predicted)
    }
  }

  private func nearest(to target: Int, _ left: Int, _ above: Int, _ corner: Int) -> Int {
    let (a, b, c) = (abs(target - left), abs(target - above), abs(target - corner))
    return a <= b && a <= c ? left : b <= c ? above : corner
  }
}
