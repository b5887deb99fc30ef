internal import IR

/// Decompression of a DEFLATE stream (RFC 1951).
struct Inflate {
  private let input: ArraySlice<UInt8>
  private var place: Int
  private var bit = 0
  private var output: [UInt8] = []
  private let limit: Int

  /// The bytes of a stream, at most `limit` of them.
  static func bytes(_ input: ArraySlice<UInt8>, limit: Int) throws(OperatorError) -> [UInt8] {
    var inflate = Inflate(input, limit: limit)
    try inflate.run()
    return inflate.output
  }

  private init(_ input: ArraySlice<UInt8>, limit: Int) {
    self.input = input
    self.limit = limit
    place = input.startIndex
  }

  private mutating func bits(_ count: Int) throws(OperatorError) -> Int {
    var value = 0
    for position in 0..<count {
      guard place < input.endIndex else { throw RasterImage.malformed("compressed") }
      value |= Int(input[place] >> UInt8(bit) & 1) << position
      bit += 1
      if bit == 8 {
        bit = 0
        place += 1
      }
    }
    return value
  }

  private mutating func run() throws(OperatorError) {
    var isLast = false
    while !isLast {
      isLast = try bits(1) == 1
      switch try bits(2) {
      case 0: try stored()
      case 1: try block(Code(Inflate.fixedLengths), Code(Array(repeating: 5, count: 30)))
      case 2:
        let (literals, distances) = try dynamicCodes()
        try block(literals, distances)
      default: throw RasterImage.malformed("compressed")
      }
    }
  }

  private static var fixedLengths: [Int] { (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 } }

  private mutating func stored() throws(OperatorError) {
    if bit > 0 {
      bit = 0
      place += 1
    }
    let count = try bits(16)
    _ = try bits(16)
    guard place + count <= input.endIndex, output.count + count <= limit else { throw RasterImage.malformed("compressed") }
    output += input[place..<(place + count)]
    place += count
  }

  private mutating func dynamicCodes() throws(OperatorError) -> (Code, Code) {
    let literals = try bits(5) + 257
    let distances = try bits(5) + 1
    let count = try bits(4) + 4
    var lengths = [Int](repeating: 0, count: 19)
    for index in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(count) { lengths[index] = try bits(3) }
    let code = Code(lengths)
    var all: [Int] = []
    while all.count < literals + distances {
      switch try symbol(code) {
      case 16:
        guard let previous = all.last else { throw RasterImage.malformed("compressed") }
        all += Array(repeating: previous, count: try bits(2) + 3)
      case 17: all += Array(repeating: 0, count: try bits(3) + 3)
      case 18: all += Array(repeating: 0, count: try bits(7) + 11)
      case let length: all.append(length)
      }
    }
    guard all.count == literals + distances else { throw RasterImage.malformed("compressed") }
    return (Code(Array(all[..<literals])), Code(Array(all[literals...])))
  }

  private mutating func block(_ literals: Code, _ distances: Code) throws(OperatorError) {
    while true {
      let symbol = try symbol(literals)
      if symbol == 256 { return }
      guard output.count < limit else { throw RasterImage.malformed("compressed") }
      if symbol < 256 {
        output.append(UInt8(symbol))
        continue
      }
      guard symbol < 286 else { throw RasterImage.malformed("compressed") }
      let length = try extended(symbol - 257, perStep: 4, first: 3, last: 258)
      let code = try self.symbol(distances)
      guard code < 30 else { throw RasterImage.malformed("compressed") }
      let distance = try extended(code, perStep: 2, first: 1, last: nil)
      guard distance <= output.count, output.count + length <= limit else { throw RasterImage.malformed("compressed") }
      for _ in 0..<length { output.append(output[output.count - distance]) }
    }
  }

  /// Lengths and distances grow in steps of `perStep` codes, each step with one more extra bit than the one before.
  private mutating func extended(_ code: Int, perStep: Int, first: Int, last: Int?) throws(OperatorError) -> Int {
    if let last, code == 28 { return last }
    if code < 2 * perStep { return first + code }
    let extra = code / perStep - 1
    let base = (perStep + code % perStep) << extra
    return first + base + (try bits(extra))
  }

  /// A canonical prefix code.
  private struct Code {
    /// Number of codes of every length, and symbols in order of length and value.
    let counts: [Int]
    let symbols: [Int]

    init(_ lengths: [Int]) {
      var counts = [Int](repeating: 0, count: 16)
      for length in lengths where length > 0 { counts[length] += 1 }
      self.counts = counts
      symbols = (1...15).flatMap { length in lengths.indices.filter { lengths[$0] == length } }
    }
  }

  private mutating func symbol(_ code: Code) throws(OperatorError) -> Int {
    var (value, first, index) = (0, 0, 0)
    for length in 1...15 {
      value |= try bits(1)
      let count = code.counts[length]
      if value - first < count { return code.symbols[index + value - first] }
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    throw RasterImage.malformed("compressed")
  }
}
