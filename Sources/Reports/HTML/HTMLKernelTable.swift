internal import Basic
internal import Results

/// The kernel table; scripts sort and filter the rows that are there.
enum HTMLKernelTable {
  /// Rows written at most: the slowest kernels.
  static let rowLimit = 4000

  static func text(_ result: RunResult, _ schedule: HTMLSchedule) -> String {
    let total = max(result.accountedSeconds, .leastNormalMagnitude)
    let levels = result.totals.bytesMoved.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4).map(\.key)
    var columns = [
      "#", "kernel", "operation", "bound", "start", "time", "share", "of floor", "format", "choice", "MAC",
    ]
    columns += levels.map { "\($0)" } + ["reason"]
    let head = columns.enumerated().map { index, name in
      "<th><button type=\"button\" data-column=\"\(index)\">\(Markup.escape(name))</button></th>"
    }.joined()
    var kept = result.kernels
    if kept.count > rowLimit {
      kept = Array(kept.sorted { $0.latencySeconds > $1.latencySeconds }.prefix(rowLimit)).sorted {
        $0.startSeconds < $1.startSeconds
      }
    }
    let rows = kept.map { row($0, levels, total) }.joined(separator: "\n")
    let note =
      kept.count < result.kernels.count
      ? "<p class=\"note\">the \(kept.count) slowest of \(result.kernels.count) kernels</p>" : ""
    return """
      <div class="tools"><label>search <input id="search" type="search" placeholder="name, operation, bound, source node"/></label><span class="hint" id="count"></span></div>\(note)
      <div class="wide tall"><table id="table"><thead><tr>\(head)</tr></thead><tbody>
      \(rows)
      </tbody></table></div>
      """
  }

  private static func row(_ kernel: KernelResult, _ levels: [String], _ total: Double) -> String {
    let share = kernel.latencySeconds / total
    let floor = kernel.latencySeconds > 0 ? kernel.floorSeconds / kernel.latencySeconds : 0
    var cells = [
      cell("#\(kernel.id)", Double(kernel.id)), cell(Markup.shortened(kernel.name, to: 80)),
      "<td class=\"whole\">\(Markup.escape(kernel.kind))</td>",
      "<td class=\"whole\"><i style=\"background:\(Palette.colour(of: kernel.bound))\"></i>\(kernel.bound.label)</td>",
      cell(Format.seconds(kernel.startSeconds), kernel.startSeconds),
      cell(Format.seconds(kernel.latencySeconds), kernel.latencySeconds),
      cell(Format.percent(share), share), cell(Format.percent(floor), floor), cell(kernel.format),
      cell(Markup.shortened(kernel.choice, to: 60)),
      cell(Format.count(Double(kernel.macs)), Double(kernel.macs)),
    ]
    for level in levels {
      cells.append(cell(kernel.bytes[level].map { Format.bytes(Double($0)) } ?? "–", Double(kernel.bytes[level] ?? 0)))
    }
    cells.append(cell(Markup.shortened(kernel.reason, to: 200)))
    return "<tr data-kernel=\"\(kernel.id)\">\(cells.joined())</tr>"
  }

  private static func cell(_ text: String, _ value: Double? = nil) -> String {
    guard let value else { return "<td>\(Markup.escape(text))</td>" }
    return "<td class=\"n\" data-v=\"\(value)\">\(Markup.escape(text))</td>"
  }
}
