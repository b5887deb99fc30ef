/// A table of text with aligned columns; numbers to the right, words to the left.
package struct TextTable: Sendable {
  package enum Alignment: Sendable { case left, right }

  private var columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []
  /// The widest a cell may be that its column is made wide for.
  package var widestCell = 60
  /// Longer cells are cut with an ellipsis; else they stand out of their column.
  package var cutsLongCells = true

  package init(_ columns: [(String, Alignment)]) {
    self.columns = columns.map { (title: $0.0, alignment: $0.1) }
  }

  package mutating func add(_ cells: [String]) { rows.append(cells) }

  package func render() -> String {
    let cut = rows.map { row in
      row.map { cell in cutsLongCells && cell.count > widestCell ? cell.prefix(widestCell - 1) + "…" : cell }
    }
    var widths = columns.map(\.title.count)
    for row in cut {
      for (index, cell) in row.enumerated() where index < widths.count && cell.count <= widestCell {
        widths[index] = max(widths[index], cell.count)
      }
    }
    let lines = [columns.map(\.title)] + cut
    return lines.map { line($0, widths) }.joined(separator: "\n")
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var text = ""
    for (index, cell) in cells.enumerated() where index < widths.count {
      let space = String(repeating: " ", count: max(0, widths[index] - cell.count))
      text += (index == 0 ? "" : "  ") + (columns[index].alignment == .left ? cell + space : space + cell)
    }
    while text.last == " " { text.removeLast() }
    return text
  }
}
