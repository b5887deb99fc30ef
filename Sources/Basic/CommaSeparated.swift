/// A table read from comma-separated text (RFC 4180: quoted cells, doubled quotes); rows keep their line number.
package struct CommaSeparated: Sendable {
  package struct Row: Sendable {
    package let line: Int
    package let cells: [Substring]
  }

  package let header: [String]
  package let rows: [Row]

  /// Rows with another number of cells than the header are reported, not dropped.
  package init(_ text: String, file: String) throws(Failure) {
    var records = Self.records(text)
    guard !records.isEmpty else { throw Failure("the table is empty", at: SourceLocation(file: file)) }
    let first = records.removeFirst()
    let header = first.cells.map { String($0.drop { $0 == "\u{FEFF}" || $0 == " " }) }
    let bad = records.filter { $0.cells.count != header.count }
    guard bad.isEmpty else {
      throw Failure(
        bad.prefix(20).map {
          .error("\($0.cells.count) cells where the header has \(header.count)", at: SourceLocation(file: file, line: $0.line))
        })
    }
    self.header = header
    self.rows = records
  }

  private static func records(_ text: String) -> [Row] {
    var result: [Row] = []
    var text = text
    text.makeContiguousUTF8()
    var line = 1
    var start = text.startIndex
    while start < text.endIndex {
      let firstLine = line
      var cells: [Substring] = []
      var atEnd = false
      while !atEnd {
        let (cell, next, lines, ended) = Self.cell(text, from: start)
        cells.append(cell)
        line += lines
        start = next
        atEnd = ended
      }
      if cells.count > 1 || cells[0].contains(where: { !$0.isWhitespace }) { result.append(Row(line: firstLine, cells: cells)) }
    }
    return result
  }

  /// One cell: its text, where the next starts, line feeds passed, whether the record ended.
  private static func cell(_ text: String, from start: String.Index) -> (Substring, String.Index, Int, Bool) {
    let utf8 = text.utf8
    var index = start
    guard index < utf8.endIndex else { return ("", index, 0, true) }
    if utf8[index] == UInt8(ascii: "\"") { return quotedCell(text, from: utf8.index(after: index)) }
    while index < utf8.endIndex {
      let byte = utf8[index]
      if byte == UInt8(ascii: ",") { return (text[start..<index], utf8.index(after: index), 0, false) }
      if byte == UInt8(ascii: "\n") {
        var end = index
        if end > start, utf8[utf8.index(before: end)] == UInt8(ascii: "\r") { end = utf8.index(before: end) }
        return (text[start..<end], utf8.index(after: index), 1, true)
      }
      index = utf8.index(after: index)
    }
    return (text[start..<index], index, 1, true)
  }

  private static func quotedCell(_ text: String, from start: String.Index) -> (Substring, String.Index, Int, Bool) {
    let utf8 = text.utf8
    var bytes: [UInt8] = []
    var index = start
    var lines = 0
    var open = true
    while index < utf8.endIndex {
      let byte = utf8[index]
      let next = utf8.index(after: index)
      if open, byte == UInt8(ascii: "\"") {
        if next < utf8.endIndex, utf8[next] == byte {
          bytes.append(byte)
          index = utf8.index(after: next)
          continue
        }
        open = false
      } else if !open, byte == UInt8(ascii: ",") {
        return (Substring(String(decoding: bytes, as: UTF8.self)), next, lines, false)
      } else if !open, byte == UInt8(ascii: "\n") {
        return (Substring(String(decoding: bytes, as: UTF8.self)), next, lines + 1, true)
      } else if open || byte != UInt8(ascii: "\r") {
        if byte == UInt8(ascii: "\n") { lines += 1 }
        bytes.append(byte)
      }
      index = next
    }
    return (Substring(String(decoding: bytes, as: UTF8.self)), index, lines + 1, true)
  }
}
