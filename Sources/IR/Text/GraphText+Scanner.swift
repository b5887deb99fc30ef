internal import Basic

extension GraphText {
  /// Tokens of the text format over UTF-8 bytes, with the line for messages.
  struct Scanner {
    private let bytes: [UInt8]
    private var position = 0
    private let file: String

    init(_ text: String, file: String) {
      bytes = Array(text.utf8)
      self.file = file
    }

    func failure(_ message: String, fix: String? = nil) -> Failure {
      let line = bytes[..<min(position, bytes.count)].reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
      return Failure(message, at: SourceLocation(file: file, line: line), fix: fix)
    }

    /// The next byte after blanks and `#` comments; 0 at the end.
    mutating func peekByte() -> UInt8 {
      while position < bytes.count {
        let byte = bytes[position]
        if byte == UInt8(ascii: "#") {
          while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") {
          position += 1
        } else {
          return byte
        }
      }
      return 0
    }

    /// A punctuation mark, written as a literal of one ASCII character.
    struct Mark: ExpressibleByUnicodeScalarLiteral {
      let byte: UInt8

      init(unicodeScalarLiteral scalar: Unicode.Scalar) { byte = UInt8(ascii: scalar) }
    }

    /// Takes a punctuation mark if it is next.
    mutating func take(_ mark: Mark) -> Bool {
      guard peekByte() == mark.byte else { return false }
      position += 1
      return true
    }

    mutating func expect(_ token: String) throws(Failure) {
      _ = peekByte()
      let wanted = token.utf8
      guard bytes[position...].starts(with: wanted) else {
        let found = String(decoding: bytes[position...].prefix(16), as: UTF8.self)
        throw failure(found.isEmpty ? "the text ends where '\(token)' is expected" : "expected '\(token)' before '\(found)'")
      }
      position += wanted.count
    }

    mutating func expectEnd() throws(Failure) {
      guard peekByte() == 0, position >= bytes.count else { throw failure("text after the end of the graph") }
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }

    /// The next word without taking it; empty before a mark.
    mutating func peekWord() -> String {
      _ = peekByte()
      let end = bytes[position...].firstIndex { !isWordByte($0) } ?? bytes.count
      return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    mutating func skipWord() { position += peekWord().utf8.count }

    mutating func word() throws(Failure) -> String {
      let word = peekWord()
      guard !word.isEmpty else { throw failure("a word is expected") }
      position += word.utf8.count
      return word
    }

    /// Like `word`, but `1e+20` stays one token.
    mutating func numberOrWord() throws(Failure) -> String {
      var result = try word()
      while position < bytes.count, bytes[position] == UInt8(ascii: "+"), result.last == "e" {
        position += 1
        result += "+" + (try word())
      }
      return result
    }

    mutating func integer() throws(Failure) -> Int {
      let text = try word()
      guard let value = Int(text) else { throw failure("'\(text)' is not an integer") }
      return value
    }

    mutating func string() throws(Failure) -> String {
      guard take("\"") else { throw failure("a quoted string is expected") }
      // Most strings have no escape and are taken in one piece.
      guard let end = bytes[position...].firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
        position = bytes.count
        throw failure("the string does not end")
      }
      var result = Array(bytes[position..<end])
      position = end
      if bytes[end] == UInt8(ascii: "\"") {
        position += 1
        return String(decoding: result, as: UTF8.self)
      }
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
        case UInt8(ascii: "\\"): try escape(into: &result)
        default: result.append(byte)
        }
      }
      throw failure("the string does not end")
    }

    private mutating func escape(into result: inout [UInt8]) throws(Failure) {
      guard position < bytes.count else { throw failure("the string does not end") }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "u"):
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{"), let end = bytes[position...].firstIndex(of: UInt8(ascii: "}")),
          let code = UInt32(String(decoding: bytes[(position + 1)..<end], as: UTF8.self), radix: 16), let scalar = Unicode.Scalar(code)
        else { throw failure("the escape \\u{…} is not valid") }
        result += Array(String(Character(scalar)).utf8)
        position = end + 1
      default: result.append(byte)
      }
    }

    // MARK: Expressions

    /// A dimension; most are plain numbers and need no algebra.
    mutating func dimension() throws(Failure) -> Dimension {
      _ = peekByte()
      var (end, number) = (position, 0)
      while end < bytes.count, end - position < 18, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[end]) {
        number = number * 10 + Int(bytes[end] - UInt8(ascii: "0"))
        end += 1
      }
      guard end > position, end < bytes.count, bytes[end] == UInt8(ascii: ",") || bytes[end] == UInt8(ascii: "]") else {
        return Dimension(try expression(depth: 0))
      }
      position = end
      return .constant(number)
    }

    mutating func expression(depth: Int) throws(Failure) -> SymbolicExpression {
      guard depth < 64 else { throw failure("the expression is nested too deeply") }
      var sum = try signedTerm(depth: depth)
      while true {
        if take("+") {
          sum = sum + (try term(depth: depth))
        } else if take("-") {
          sum = sum - (try term(depth: depth))
        } else {
          return sum
        }
      }
    }

    private mutating func signedTerm(depth: Int) throws(Failure) -> SymbolicExpression {
      take("-") ? SymbolicExpression(0) - (try term(depth: depth)) : try term(depth: depth)
    }

    private mutating func term(depth: Int) throws(Failure) -> SymbolicExpression {
      var product = try factor(depth: depth)
      while take("*") { product = product * (try factor(depth: depth)) }
      return product
    }

    private mutating func factor(depth: Int) throws(Failure) -> SymbolicExpression {
      if take("`") {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "`")) else { throw failure("the name in backquotes does not end") }
        let name = String(decoding: bytes[position..<end], as: UTF8.self)
        position = end + 1
        return SymbolicExpression(symbol: name)
      }
      let name = plainName()
      guard !name.isEmpty else { throw failure("a dimension is expected") }
      if let number = Int(name) { return SymbolicExpression(number) }
      guard ["floor", "min", "max"].contains(name), take("(") else { return SymbolicExpression(symbol: name) }
      let a = try expression(depth: depth + 1)
      try expect(",")
      let b = try expression(depth: depth + 1)
      try expect(")")
      switch name {
      case "floor": return a.floorDivided(by: b)
      case "min": return .minimum(a, b)
      default: return .maximum(a, b)
      }
    }

    /// Letters, digits, `_` and `.`; a minus belongs to the expression here.
    private mutating func plainName() -> String {
      _ = peekByte()
      let end = bytes[position...].firstIndex { !isWordByte($0) || $0 == UInt8(ascii: "-") } ?? bytes.count
      defer { position = end }
      return String(decoding: bytes[position..<end], as: UTF8.self)
    }
  }
}
