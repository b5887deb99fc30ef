internal import Foundation
package import Basic

extension Validation {
  /// The table people read.
  package func text() -> String {
    let compares = fidelity == .event
    let columns: [(String, TextTable.Alignment)] = [
      ("target", .left), ("dtype", .left), ("op", .left), ("rows", .right), ("skipped", .right), ("MAPE", .right),
      ("median", .right), ("p90", .right), ("≤10 %", .right), ("≤20 %", .right), ("bias", .right), ("spearman", .right),
      ("MAE", .right),
    ]
    var table = TextTable(columns + (compares ? [("event vs fast", .right)] : []))
    for group in groups {
      let difference = group.eventDifference.map(Format.percent) ?? "one form"
      table.add([group.target, group.dtype, group.op] + group.statistics.cells + (compares ? [difference] : []))
    }
    if groups.count > 1 {
      let largest = groups.compactMap(\.eventDifference).max().map(Format.percent) ?? "one form"
      table.add(["all", "", ""] + overall.cells + (compares ? [largest] : []))
    }
    var text = table.render()
    if !skips.isEmpty {
      text += "\n\nskipped rows\n" + skips.prefix(20).map { "  \($0.count) × \($0.why)" }.joined(separator: "\n")
      if skips.count > 20 { text += "\n  … and \(skips.count - 20) further reasons" }
    }
    return text + "\n"
  }

  package func json() throws(Failure) -> String {
    struct Item: Encodable {
      var target, dtype, op: String
      var rows, skipped: Int
      var mape, median_ape, p90_ape, within_10, within_20, bias, spearman, mae: Double
      var event_difference: Double?

      init(_ group: Group) {
        self.init(group.target, group.dtype, group.op, group.statistics)
        event_difference = group.eventDifference
      }
      init(_ target: String, _ dtype: String, _ op: String, _ s: ErrorStatistics) {
        (self.target, self.dtype, self.op, rows, skipped) = (target, dtype, op, s.rows, s.skipped)
        (mape, median_ape, p90_ape, within_10, within_20) = (s.mape, s.medianApe, s.p90Ape, s.within10, s.within20)
        (bias, spearman, mae) = (s.bias, s.spearman, s.meanAbsoluteError)
      }
    }
    struct Skip: Encodable {
      var why: String
      var rows: Int
    }
    struct Document: Encodable {
      var groups: [Item]
      var overall: Item
      var skipped: [Skip]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let document = Document(
      groups: groups.map(Item.init), overall: Item("all", "", "", overall), skipped: skips.map { Skip(why: $0.why, rows: $0.count) })
    guard let data = try? encoder.encode(document) else { throw Failure("a figure is not a finite number") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// The input rows plus `predicted` and `why`; further measured columns of the table get `predicted_<column>`.
  package func predictionsCSV() -> String {
    var text = ""
    for table in tables {
      let further = table.predictions.dropFirst()
      text +=
        (table.header + ["predicted", "why"] + further.map { "predicted_\($0.measuredColumn)" }).map(Self.cell).joined(separator: ",")
        + "\n"
      for (index, cells) in table.cells.enumerated() {
        let first = table.predictions.first?.rows[index]
        let figures = [first] + further.map { $0.rows[index] }
        var row = cells.map { Self.cell(String($0)) }
        for (position, figure) in figures.enumerated() {
          row.append(figure?.predicted.map { "\($0)" } ?? "")
          if position == 0 { row.append(Self.cell(figure?.why ?? "")) }
        }
        text += row.joined(separator: ",") + "\n"
      }
    }
    return text
  }

  private static func cell(_ text: String) -> String {
    text.contains(where: { ",\"\n\r".contains($0) }) ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }
}

extension ErrorStatistics {
  fileprivate var cells: [String] {
    guard rows > 0 else { return ["0", "\(skipped)", "–", "–", "–", "–", "–", "–", "–", "–"] }
    let shares = [mape, medianApe, p90Ape, within10, within20, bias].map(Format.percent)
    return ["\(rows)", "\(skipped)"] + shares + [Format.fixed(spearman, 4), "\(Format.fixed(meanAbsoluteError, 3))"]
  }
}
