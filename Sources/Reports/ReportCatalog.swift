package import Basic

/// Every report there is, one line each.
package enum ReportCatalog {
  package static let all: [any Report.Type] = [
    TextReport.self,
    JSONReport.self,
    ScheduleReport.self,
    SourceGraphReport.self,
    GanttReport.self,
    MemoryReport.self,
    RooflineReport.self,
    TraceReport.self,
    HTMLReport.self,
  ]

  /// Finds a report by its name or by a file type that it writes: `gantt`, `schedule`, `json`, `svg`.
  package static func report(named name: String) throws(Failure) -> any Report.Type {
    if let found = all.first(where: { $0.name == name }) { return found }
    if let found = all.first(where: { $0.fileExtensions.contains(name) }) { return found }
    let hint = nearestSpelling(to: name, in: all.map { $0.name }).map { "did you mean '\($0)'?" }
    throw Failure("there is no report '\(name)'", fix: hint ?? "one of: \(all.map { $0.name }.joined(separator: ", "))")
  }

  /// The file type for a path, checked against what the report can write; the preferred one when the path has none.
  package static func fileExtension(for path: String, of report: any Report.Type) throws(Failure) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return report.fileExtensions.first ?? "txt" }
    let found = name[name.index(after: dot)...].lowercased()
    guard report.fileExtensions.contains(found) else {
      throw Failure(
        "the report '\(report.name)' cannot be written as .\(found)",
        fix: "use one of: \(report.fileExtensions.map { "." + $0 }.joined(separator: ", "))")
    }
    return found
  }
}
