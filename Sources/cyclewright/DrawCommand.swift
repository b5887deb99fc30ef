import ArgumentParser
import Basic
import Driver
import Reports
import Results

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draws a saved result again without simulating.",
    discussion: """
      Views: \(ReportCatalog.all.map { "\($0.name) (\($0.fileExtensions.joined(separator: ", ")))" }.joined(separator: "; ")).

      Example:
        cyclewright draw result.json --view schedule -o schedule.svg
      """)

  @Argument(help: ArgumentHelp("A result written by 'predict --json'.", valueName: "result.json"))
  var result: String

  @Option(help: "What to draw.")
  var view = "schedule"

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write; its extension chooses the format.", valueName: "file"))
  var output: String

  func run() throws {
    try reporting {
      let request = try ReportRequest(try ReportCatalog.report(named: view), path: output)
      try request.write(try ResultFile.read(result))
    }
  }
}

/// Saved results.
enum ResultFile {
  static func read(_ path: String) throws(Failure) -> RunResult { try JSONReport.decode(try FileOutput.readBytes(path), file: path) }
}
