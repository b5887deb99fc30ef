/// Numbers as people read them; independent of the locale.
package enum Format {
  /// `n` digits after the point, rounded half away from zero.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e18 else { return "\(value)" }
    let integer = UInt64(scaled)
    let sign = value < 0 && integer > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(integer) }
    let text = String(integer)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let cut = padded.index(padded.endIndex, offsetBy: -digits)
    return "\(sign)\(padded[..<cut]).\(padded[cut...])"
  }

  /// Three significant digits with the given unit prefix chosen: `41.2 µs`, `1.84 ms`.
  package static func seconds(_ value: Double) -> String {
    scaled(value, [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps")])
  }

  package static func joules(_ value: Double) -> String {
    scaled(value, [(1, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ")])
  }

  package static func bytes(_ value: Double) -> String {
    scaled(value, [(1_099_511_627_776, "TiB"), (1_073_741_824, "GiB"), (1_048_576, "MiB"), (1024, "KiB"), (1, "B")])
  }

  /// Decimal prefixes: `3.86 G`.
  package static func count(_ value: Double) -> String {
    scaled(value, [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]).trimmedTail
  }

  /// Up to `digits` digits after the point, zeros at the end left out: `0.01`, `32`, `1.5`.
  package static func number(_ value: Double, digits: Int = 4) -> String {
    var text = fixed(value, digits)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  /// `digits` significant digits, whatever the size: `0.002872`, `1.31e-07`.
  package static func significant(_ value: Double, digits: Int = 4) -> String {
    guard value != 0, value.isFinite else { return fixed(value, 0) }
    var scale = 1.0
    var magnitude = value.magnitude
    var limit = 1.0
    for _ in 0..<max(0, digits) { limit *= 10 }
    while magnitude * scale >= limit, scale > 1e-300 { scale /= 10 }
    while magnitude * scale < limit / 10, scale < 1e300 { scale *= 10 }
    magnitude = (value.magnitude * scale).rounded() / scale
    let text = "\(value < 0 ? -magnitude : magnitude)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  package static func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }

  private static func scaled(_ value: Double, _ steps: [(factor: Double, name: String)]) -> String {
    guard value != 0, let last = steps.last else { return "0 \(steps.first { $0.factor == 1 }?.name ?? "")" }
    let step = steps.first { value.magnitude >= $0.factor } ?? last
    let scaled = value / step.factor
    let digits = scaled.magnitude >= 100 ? 0 : scaled.magnitude >= 10 ? 1 : 2
    return "\(fixed(scaled, digits)) \(step.name)"
  }
}

extension String {
  fileprivate var trimmedTail: String { hasSuffix(" ") ? String(dropLast()) : self }
}
