import ArgumentParser
import Driver

struct PassesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passes", abstract: "Lists the compiler's passes, what each promises and which near misses it names.",
    discussion: """
      Example:
        cyclewright passes --markdown
      """)

  @Flag(help: "The whole list as Markdown, with conditions.") var markdown = false

  func run() throws {
    try reporting { try FileOutput.write(markdown ? PassListing.markdown() : PassListing.table(), to: "-") }
  }
}
