/// One message for the user: what, where, and how to mend it.
package struct Diagnostic: Error, Hashable, Sendable, Codable, CustomStringConvertible {
  package enum Severity: String, Sendable, Codable { case error, warning, note }

  package var severity: Severity
  package var message: String
  package var location: SourceLocation?
  /// What the user can do about it, as an imperative sentence.
  package var fix: String?

  package init(_ severity: Severity, _ message: String, at location: SourceLocation? = nil, fix: String? = nil) {
    self.severity = severity
    self.message = message
    self.location = location
    self.fix = fix
  }

  package static func error(_ message: String, at location: SourceLocation? = nil, fix: String? = nil) -> Diagnostic {
    Diagnostic(.error, message, at: location, fix: fix)
  }

  /// `file:line: error: message (fix)`, the form editors understand; one line, whatever names from files it holds.
  package var description: String {
    let place = location.map { "\($0): " } ?? ""
    let hint = fix.map { " (\($0))" } ?? ""
    return "\(place)\(severity.rawValue): \(message)\(hint)".printable
  }
}

/// A place in a file: a line of text or a byte of a binary file.
package struct SourceLocation: Hashable, Sendable, Codable, CustomStringConvertible {
  package var file: String
  package var line: Int?
  package var column: Int?
  package var byte: Int?

  package init(file: String, line: Int? = nil, column: Int? = nil, byte: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.byte = byte
  }

  package var description: String {
    if let line { return "\(file):\(line)" + (column.map { ":\($0)" } ?? "") }
    if let byte { return "\(file):@\(byte)" }
    return file
  }
}

/// A request that failed, with everything that was wrong (never just the first).
package struct Failure: Error, Sendable, CustomStringConvertible {
  package var diagnostics: [Diagnostic]

  package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  package init(_ message: String, at location: SourceLocation? = nil, fix: String? = nil) {
    diagnostics = [.error(message, at: location, fix: fix)]
  }

  /// The same, with what says no place attributed to a file.
  package func located(in file: String) -> Failure {
    guard !file.isEmpty else { return self }
    return Failure(
      diagnostics.map { diagnostic in
        var located = diagnostic
        located.location = diagnostic.location ?? SourceLocation(file: file)
        return located
      })
  }

  package var description: String { diagnostics.map(\.description).joined(separator: "\n") }

  /// The same, with a place for whatever has none.
  package func located(at place: SourceLocation) -> Failure { Failure(diagnostics.map { $0.located(at: place) }) }
}

extension Diagnostic {
  package func located(at place: SourceLocation) -> Diagnostic {
    var result = self
    result.location = location ?? place
    return result
  }
}
