internal import Basic

/// JSON written piece by piece, for files with their own vocabulary.
enum JSONText {
  /// A string that is safe inside a script element of HTML too: `<`, `>` and `&` are written as escapes.
  static func quoted(_ text: some StringProtocol) -> String {
    var result = "\""
    result.reserveCapacity(text.utf8.count + 2)
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x0A: result += "\\n"
      case 0..<32, 0x3C, 0x3E, 0x26, 0x7F..<0xA0, 0x2028, 0x2029: result += escape(scalar.value)
      default: result.unicodeScalars.append(scalar.printable)
      }
    }
    return result + "\""
  }

  private static func escape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  static func object(_ entries: [(String, String)]) -> String {
    "{" + entries.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }

  static func list(_ entries: some Sequence<String>) -> String { "[" + entries.joined(separator: ",") + "]" }

  /// Nine significant digits; JSON knows no infinity.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    return value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : "\(value)"
  }
}
