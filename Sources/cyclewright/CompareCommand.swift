import ArgumentParser
import Basic
import Driver
import Reports
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares two saved results, kernel by kernel, matched by source nodes.",
    discussion: """
      Says what merged or split, what got slower or faster and why.

      Example:
        cyclewright compare fp16.json int8.json --html compare.html
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
