import ArgumentParser
import Basic
import Foundation

@main
struct Cyclewright: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cyclewright",
    abstract: "Predicts how fast a neural network runs on hardware given as XML, what compression would buy, and draws the fused schedule.",
    discussion: """
      Start with:
        cyclewright target list
        cyclewright predict graphs/resnet-50.cwg --target nvidia-a100-sxm4-80gb --report svg=schedule.svg

      Every number comes with a floor, a bound, a reason and a source.
      Exit status: 0 success, 1 the input or request is wrong (named on stderr), 2 usage, 3 a declared goal was not met.
      """,
    subcommands: [
      PredictCommand.self, SweepCommand.self, InspectCommand.self, OptCommand.self, DrawCommand.self, TargetCommand.self,
      CompressCommand.self, EvaluateCommand.self, CompareCommand.self, ExplainCommand.self, PassesCommand.self, ValidateCommand.self,
      SensitivityCommand.self, VersionCommand.self,
    ])

  /// Runs the command; a usage mistake exits with 2 rather than the parser's own 64.
  static func main() {
    do {
      var command = try named(CommandLine.arguments) ?? parseAsRoot()
      try command.run()
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      OutputFile.note(fullMessage(for: error) + "\n")
      exit(withError: ExitCode(2))
    }
  }

  /// The command that the first word names, read without describing all the others, which takes longer than a small run.
  ///
  /// Nil for whatever needs the whole tree: help, commands of commands, and mistakes, which are reported from there.
  private static func named(_ words: [String]) -> (any ParsableCommand)? {
    guard words.count > 1, let type = configuration.subcommands.first(where: { $0.configuration.commandName == words[1] }) else {
      return nil
    }
    return try? type.parse(Array(words.dropFirst(2)))
  }
}
