import ArgumentParser
import Basic
import Driver
import Foundation
import Reports
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares two saved results, kernel by kernel, or two compression reports.",
    discussion: """
      Of predictions it says what merged or split, what got slower or faster and why. Of reports that compress or evaluate
      wrote it shows size, accuracy, error and time of every stored tensor, and why layers are slower than the original's.

      Examples:
        cyclewright compare fp16.json int8.json --html compare.html
        cyclewright compare int8-report.json int4-report.json
      """)

  @Argument(help: ArgumentHelp("The earlier result.", valueName: "a.json"))
  var first: String

  @Argument(help: ArgumentHelp("The later result.", valueName: "b.json"))
  var second: String

  @Option(help: "Groups listed of each kind.")
  var top = 10

  @Option(help: ArgumentHelp("Also write the page of the later result with the comparison in it.", valueName: "file"))
  var html: String?

  func run() throws {
    try reporting {
      let (old, new) = (try FileOutput.readBytes(first), try FileOutput.readBytes(second))
      let kinds = (CompressionReport.recognises(old), CompressionReport.recognises(new))
      guard kinds.0 == kinds.1 else {
        for (bytes, path) in [(old, first), (new, second)] where (try? JSONSerialization.jsonObject(with: Data(bytes))) == nil {
          throw Failure("not a saved result: no JSON, or cut short", at: SourceLocation(file: path))
        }
        throw Failure(
          "'\(kinds.0 ? first : second)' is a compression report and '\(kinds.0 ? second : first)' is not",
          fix: "compare two predictions or two compression reports")
      }
      if kinds.0 {
        guard html == nil else { throw Failure("compression reports have no page", fix: "leave --html out") }
        let comparison = CompressionComparison(
          try CompressionReport.decode(old, file: first), try CompressionReport.decode(new, file: second))
        return try FileOutput.write(comparison.text(top: max(1, top)), to: "-")
      }
      let (a, b) = (try ResultFile.read(first), try ResultFile.read(second))
      var style = TextStyle()
      style.topKernels = max(1, top)
      if let html {
        let page = try HTMLReport.page(b, comparedWith: a, ReportOptions())
        try FileOutput.write(page.bytes ?? [], to: html)
        Terminal.note(page.diagnostics)
      }
      try FileOutput.write(CompareReport.render(a, b, style), to: "-")
    }
  }
}
