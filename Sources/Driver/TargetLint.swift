internal import Lowering
package import Basic
package import Hardware

/// Checks machine descriptions the way a careful reader would.
package struct TargetLint: Sendable {
  private let catalog: TargetCatalog

  package struct Report: Sendable {
    package var text: String
    package var hasErrors: Bool
  }

  package init(_ catalog: TargetCatalog) { self.catalog = catalog }

  /// Everything wrong with each of the named machines.
  package func check(_ names: [String]) -> Report {
    var lines: [String] = []
    var hasErrors = false
    for name in names {
      let found = diagnostics(name)
      if found.contains(where: { $0.severity == .error }) { hasErrors = true }
      lines.append(found.isEmpty ? "\(name): ok" : found.map(\.description).joined(separator: "\n"))
    }
    return Report(text: lines.joined(separator: "\n") + "\n", hasErrors: hasErrors)
  }

  package func diagnostics(_ name: String) -> [Diagnostic] {
    do throws(Failure) {
      let target = try catalog.load(name)
      let found = try schemaViolations(target)
      do throws(Failure) {
        return found + (try MachineCatalog.machine(for: target).lint().map { $0.located(at: target.root.location) })
      } catch {
        // The reader knows the words it wanted; the schema only that something stands in the wrong place.
        return error.diagnostics + found
      }
    } catch {
      return error.diagnostics
    }
  }

  /// A variant holds only what differs, so the schema sees the file as it is written.
  private func schemaViolations(_ target: TargetFile) throws(Failure) -> [Diagnostic] {
    try XMLDocument.validate(FileOutput.readBytes(target.file), file: target.file, schema: "\(catalog.folder)/target.xsd")
  }
}
