/// A physical dimension with the spellings of its units; the value is always kept in the base unit.
package enum Unit: String, Sendable, CaseIterable {
  case none, bytes, bits, seconds, hertz, bytesPerSecond, bytesPerCycle, cycles, watts, joules, joulesPerByte, volts
  case operationsPerSecond, bitsPerSecond, ratio, celsius, lanes

  /// Factor to the base unit for each spelling.
  package var spellings: [(name: String, factor: Double)] {
    switch self {
    case .none: [("", 1)]
    case .ratio: [("", 1), ("%", 0.01)]
    case .lanes: [("", 1), ("lanes", 1), ("/clk", 1), ("/clk/SM", 1)]
    case .bytes: [("B", 1)] + Unit.scaled("B", decimal: true, binary: true)
    case .bits: [("bit", 1), ("b", 1), ("Kbit", 1e3), ("Mbit", 1e6), ("Kibit", 1024), ("Mibit", 1_048_576)]
    case .seconds: [("s", 1), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("ps", 1e-12)]
    case .hertz: [("Hz", 1), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)]
    case .bytesPerSecond: [("B/s", 1)] + Unit.scaled("B/s", decimal: true, binary: true)
    case .bitsPerSecond: [("bit/s", 1), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("Mb/s", 1e6), ("Gb/s", 1e9)]
    case .bytesPerCycle: [("B/clk", 1), ("B/cycle", 1)]
    case .cycles: [("clk", 1), ("cycles", 1), ("cycle", 1)]
    case .watts: [("W", 1), ("mW", 1e-3), ("kW", 1e3)]
    case .joules: [("J", 1), ("mJ", 1e-3), ("uJ", 1e-6), ("µJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12), ("fJ", 1e-15)]
    case .joulesPerByte: [("J/B", 1), ("nJ/B", 1e-9), ("pJ/B", 1e-12), ("pJ/bit", 8e-12)]
    case .volts: [("V", 1), ("mV", 1e-3)]
    case .operationsPerSecond:
      [("FLOP/s", 1), ("OP/s", 1)]
        + ["FLOP/s", "FLOPS", "OP/s", "OPS"].flatMap { Unit.scaled($0, decimal: true, binary: false) }
    case .celsius: [("C", 1), ("°C", 1)]
    }
  }

  private static func scaled(_ unit: String, decimal: Bool, binary: Bool) -> [(name: String, factor: Double)] {
    let powers: [(String, Double, Double)] = [
      ("K", 1e3, 1024), ("M", 1e6, 1_048_576), ("G", 1e9, 1_073_741_824), ("T", 1e12, 1_099_511_627_776),
      ("P", 1e15, 1_125_899_906_842_624),
    ]
    var result: [(name: String, factor: Double)] = []
    for (prefix, ten, two) in powers {
      if decimal { result.append((name: prefix + unit, factor: ten)) }
      if decimal, prefix == "K" { result.append((name: "k" + unit, factor: ten)) }
      if binary { result.append((name: prefix + "i" + unit, factor: two)) }
    }
    return result
  }

  /// Reads `"256 KiB"` as 262144 when the unit is `.bytes`; nil when the number or the unit is not understood, or when no machine word holds the value.
  ///
  /// Works on bytes: target files hold hundreds of numbers, and walking them as characters took a tenth of a small run.
  package func parse(_ text: String) -> Double? {
    var text = text
    return text.withUTF8 { parse(bytes: $0) }
  }

  private func parse(bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    var (start, limit) = (0, bytes.count)
    while start < limit, Self.isSpace(bytes[start]) { start += 1 }
    while limit > start, Self.isSpace(bytes[limit - 1]) { limit -= 1 }
    var end = start
    var isSeparated = false
    while end < limit, Self.belongsToNumber(bytes, end, limit) {
      isSeparated = isSeparated || bytes[end] == UInt8(ascii: "_")
      end += 1
    }
    var digits = String(decoding: bytes[start..<end], as: UTF8.self)
    if isSeparated { digits.removeAll { $0 == "_" } }
    guard let number = Double(digits), number.isFinite else { return nil }
    while end < limit, Self.isSpace(bytes[end]) { end += 1 }
    let name = String(decoding: bytes[end..<limit], as: UTF8.self)
    guard let unit = spellings.first(where: { $0.name == name }) else { return nil }
    let value = number * unit.factor
    return value.isFinite ? value : nil
  }

  /// Digits, signs, points and separators; an `e` only when digits follow it, as in 1e9.
  private static func belongsToNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, _ limit: Int) -> Bool {
    switch bytes[index] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): return true
    case UInt8(ascii: "e"), UInt8(ascii: "E"):
      guard index + 1 < limit else { return false }
      let next = bytes[index + 1]
      return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) || next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
    default: return false
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
