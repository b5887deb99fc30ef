import ArgumentParser
import Driver

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

  func run() throws { print("cyclewright \(Version.current)") }
}
