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
    let original = names.firstIndex(of: "original operator")
    var layers: [MeasuredProfile.Layer] = []
    // Where the steps of an operator that Vela has split begin: they are named after its input, the last one after its result.
    var steps: (operation: String, first: Int)?
    var problems: [Diagnostic] = []
    for row in table.rows {
      guard let value = Double(row.cells[cycles]), value.isFinite, value >= 0 else {
        problems.append(
          .error("'\(row.cells[cycles])' is not a number of cycles", at: SourceLocation(file: file, line: row.line)))
        continue
      }
      // A fused TFLite operator's result is named after everything it fused, its own name first.
      let layer = row.cells[name].split(separator: ";").first.map(String.init) ?? ""
      let operation = original.map { String(row.cells[$0]) } ?? ""
      let isStep = !operation.isEmpty && layer.contains("_\(operation.lowercased())_")
      if let open = steps, open.operation != operation { steps = nil }
      if isStep { steps = steps ?? (operation, layers.count) }
      layers.append(.init(name: layer, sources: [layer], cycles: value))
      if !isStep, let open = steps {
        for index in open.first..<layers.count { layers[index].sources = [layer] }
        steps = nil
      }
    }
    guard problems.isEmpty else { throw Failure(Array(problems.prefix(20))) }
    return MeasuredProfile(tool: .vela, layers: layers)
  }
}
