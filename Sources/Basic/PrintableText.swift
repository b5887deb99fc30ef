extension Unicode.Scalar {
  /// The scalar itself, or what stands for it where text of unknown origin is shown: control characters, bidirectional overrides and
  /// code points that XML forbids become U+FFFD, line breaks and tabs a space.
  package var printable: Unicode.Scalar {
    switch value {
    case 9, 10, 13: " "
    case 0..<32, 0x7F..<0xA0, 0xFFFE, 0xFFFF: "\u{FFFD}"
    case 0x202A...0x202E, 0x2066...0x2069, 0x200B...0x200F: "\u{FFFD}"
    case let value where value & 0xFFFE == 0xFFFE: "\u{FFFD}"
    default: self
    }
  }
}

extension StringProtocol {
  /// One line that cannot steer a terminal.
  package var printable: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars { result.append(scalar.printable) }
    return String(result)
  }
}
