/// Text of unknown origin made safe for HTML, SVG and Graphviz.
package enum Markup {
  /// Escapes the five XML characters and makes control characters visible.
  package static func escape(_ text: some StringProtocol) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar.printable)
      }
    }
    return result
  }

  /// A quoted string of the DOT language; backslashes lose their meaning, newlines stay newlines.
  package static func quoted(_ text: some StringProtocol) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      // Graphviz reads entities in plain labels too.
      case "&": result += "&amp;"
      default: result.unicodeScalars.append(scalar.printable)
      }
    }
    return result + "\""
  }

  /// A DOT attribute that links to an element of a file beside the picture; the name of the file is percent-encoded.
  package static func link(to file: String, _ element: String) -> String {
    var address = ""
    for byte in file.utf8 {
      let scalar = Unicode.Scalar(byte)
      let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || (48...57).contains(byte) || "-._~".utf8.contains(byte))
      address += isPlain ? String(scalar) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
    return " URL=\(quoted("\(address)#\(element)")) target=\"_top\""
  }

  /// At most `count` characters, the middle cut out with an ellipsis: both ends of a layer's name matter.
  package static func shortened(_ text: String, to count: Int) -> String {
    guard text.utf8.count > count, text.count > count, count > 3 else { return text }
    let tail = (count - 1) * 2 / 3
    return "\(text.prefix(count - 1 - tail))…\(text.suffix(tail))"
  }
}
