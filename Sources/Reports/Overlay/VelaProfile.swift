internal import Basic

/// The per-layer table that Vela writes with `--verbose-performance`.
enum VelaProfile {
  static func read(_ text: String, file: String) throws(Failure) -> MeasuredProfile {
    let table = try CommaSeparated(text, file: file)
    let names = table.header.map { $0.lowercased() }
    guard let cycles = names.firstIndex(of: "op cycles"), let name = names.firstIndex(of: "name") else {
      throw Failure(
        "not a known profile: the table lacks the columns 'Op Cycles' and 'Name'",
        at: SourceLocation(file: file, line: 1))
    }
    var layers: [MeasuredProfile.Layer] = []
    var problems: [Diagnostic] = []
    for row in table.rows {
      guard let value = Double(row.cells[cycles]), value.isFinite, value >= 0 else {
        problems.append(
          .error("'\(row.cells[cycles])' is not a number of cycles", at: SourceLocation(file: file, line: row.line)))
        continue
      }
      let layer = String(row.cells[name])
      layers.append(.init(name: layer, sources: [layer], cycles: value))
    }
    guard problems.isEmpty else { throw Failure(Array(problems.prefix(20))) }
    return MeasuredProfile(tool: .vela, layers: layers)
  }
}
