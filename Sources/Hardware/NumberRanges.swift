package import Basic

extension Unit {
  /// What a number of this unit may be where its reader names no narrower range: any machine fits in, a mistyped exponent does not.
  ///
  /// Rates divide, so they start above zero; products of a few of these stay finite.
  package var range: ClosedRange<Double> {
    switch self {
    case .none, .cycles: 0...1e9
    case .ratio: 0...1000
    case .lanes: 0.001...1e6
    case .bytes, .bits: 0...0x1p50
    case .seconds, .volts: 0...1000
    case .hertz: 1...1e12
    case .bytesPerSecond, .bitsPerSecond: 1000...1e16
    case .bytesPerCycle: 1e-5...1e9
    case .operationsPerSecond: 1000...1e18
    case .watts: 0...1e6
    case .joules, .joulesPerByte: 0...1
    case .celsius: -273...1000
    }
  }

  /// A value in the largest spelling that leaves a whole number: `1 PiB`, `10 PB/s`, `0.001`.
  package func text(_ value: Double) -> String {
    let fitting = spellings.filter { value != 0 && value / $0.factor == (value / $0.factor).rounded() }.max { $0.factor < $1.factor }
    guard let spelling = fitting ?? spellings.first else { return "\(value)" }
    let number = value / spelling.factor
    let digits = number == number.rounded() ? Format.fixed(number, 0) : "\(number)"
    return spelling.name.isEmpty ? digits : "\(digits) \(spelling.name)"
  }
}

extension ClosedRange<Double> {
  /// A part of a whole.
  package static var share: Self { 0...1 }
  /// A part of a whole that something is divided by.
  package static var positiveShare: Self { 0.001...1 }
  /// Share of a stated rate that is reached; above one where the statement is too low.
  package static var efficiency: Self { 0.001...10 }
  /// A factor that something is divided by.
  package static var factor: Self { 0.001...1000 }
  /// Bytes that something holds.
  package static var capacity: Self { 1...0x1p50 }
  /// As the whole numbers of the same name, for numbers that models calculate with.
  package static var extents: Self { 1...0x1p24 }
}

extension ClosedRange<Int> {
  /// Counts, sides and sizes of things of which there is at least one; the product of two and a few cores fits a word.
  package static var extents: Self { 1...(1 << 24) }
  /// Bytes that something holds.
  package static var capacity: Self { 1...(1 << 50) }
}

/// What a number may be, and how an error says so.
struct Bounds {
  private let unit: Unit
  private let range: ClosedRange<Double>
  private let isWhole: Bool
  private let allowsZero: Bool

  init(_ unit: Unit, _ range: ClosedRange<Double>?, orZero: Bool = false) {
    (self.unit, self.range, isWhole, allowsZero) = (unit, range ?? unit.range, false, orZero)
  }

  init(_ unit: Unit, whole range: ClosedRange<Int>?) {
    let given = range.map { Double($0.lowerBound)...Double($0.upperBound) }
    (self.unit, self.range, isWhole, allowsZero) = (unit, given ?? unit.range, true, false)
  }

  /// The least number, where it has to be whole.
  var least: Int { Int(range.lowerBound.rounded(.up)) }

  /// What a value that is not allowed must be; nil for one that is.
  func problem(with value: Double) -> String? {
    if allowsZero, value == 0 { return nil }
    if range.contains(value), !isWhole || value == value.rounded() { return nil }
    let kind = isWhole ? "a whole number " : allowsZero ? "0 or " : ""
    return "\(kind)from \(unit.text(range.lowerBound)) to \(unit.text(range.upperBound))"
  }
}
