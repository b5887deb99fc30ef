package import Basic
package import Results

/// A way to show one `RunResult`; one file per report and one line in `ReportCatalog`.
package protocol Report: Sendable {
  /// What `--view` and `--report` call it.
  static var name: String { get }
  /// One line for help texts.
  static var summary: String { get }
  /// File name extensions it can write, the preferred one first.
  static var fileExtensions: [String] { get }

  /// Renders the result as the given file type, which is one of `fileExtensions`.
  static func render(_ result: RunResult, as fileExtension: String, _ options: ReportOptions) throws(Failure)
    -> RenderedReport
}

/// The bytes of one report, and what came along with it.
package struct RenderedReport: Sendable {
  /// The file asked for; nil when only the companion could be made (`diagnostics` says why).
  package var bytes: [UInt8]?
  /// Another file to write beside it under its own extension, such as the DOT text of a picture.
  package var companion: Companion?
  package var diagnostics: [Diagnostic] = []

  package struct Companion: Sendable {
    package var fileExtension: String
    package var bytes: [UInt8]
  }

  package init(_ text: String) { bytes = Array(text.utf8) }

  package init(bytes: [UInt8]?, companion: Companion?, diagnostics: [Diagnostic] = []) {
    self.bytes = bytes
    self.companion = companion
    self.diagnostics = diagnostics
  }

  /// The bytes as text; empty when there are none.
  package var text: String { String(decoding: bytes ?? [], as: UTF8.self) }
}

/// What a reader may choose about a report; every renderer takes what concerns it.
package struct ReportOptions: Sendable {
  package var schedule = ScheduleOptions()
  package var text = TextStyle()
  package var graphviz = GraphvizRenderer()
  package init() {}
}

/// How text is laid out on a terminal or in a file.
package struct TextStyle: Sendable {
  /// Columns available.
  package var width = 100
  /// Kernels listed on the first screen.
  package var topKernels = 10
  package var usesColour = false

  package init() {}
}
