package import Basic

/// A number that was read, or the numbers of one row of a table, for the list of assumptions in a report.
package struct ReadNumber: Sendable, Hashable {
  /// The path that `--set` takes; of a row, that of its element.
  package var path: String
  /// As it is written: `1.3 us`; of a row, `operand=2 B latency=1120 clk`.
  package var text: String
  package var isRow = false
  package var basis: Basis
  package var source: String

  /// The number under its path, in one line.
  package var statement: String { isRow ? "\(path): \(text)" : "\(path) = \(text)" }
}

/// What reading a whole description found: mistakes, and the numbers with their basis.
package final class ReadingLog {
  package private(set) var diagnostics: [Diagnostic] = []
  package private(set) var numbers: [ReadNumber] = []

  package init() {}

  /// Adds numbers that were read.
  package func note(_ numbers: [ReadNumber]) { self.numbers += numbers }

  func error(_ message: String, _ location: SourceLocation, fix: String? = nil) {
    diagnostics.append(.error(message, at: location, fix: fix))
  }

  /// Throws everything that was wrong.
  package func check() throws(Failure) {
    guard diagnostics.isEmpty else { throw Failure(diagnostics) }
  }
}
