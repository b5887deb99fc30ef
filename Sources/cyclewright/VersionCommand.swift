import ArgumentParser
import Driver

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

  func run() throws { try reporting { try FileOutput.write("cyclewright \(Version.current)\n", to: "-") } }
}
