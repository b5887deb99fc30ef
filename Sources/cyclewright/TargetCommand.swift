import ArgumentParser
import Basic
import Driver
import Hardware

struct TargetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "target", abstract: "Lists, shows and checks machine descriptions.", subcommands: [List.self, Show.self, Lint.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the machines by family.")
    @OptionGroup var folder: TargetFolderOption

    func run() throws {
      try reporting {
        try FileOutput.write(try TargetListing(try folder.catalog()).text(), to: "-")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows every number of a machine with its basis and source.")
    @Argument(help: ArgumentHelp("Name, alias or path.", valueName: "T")) var target: String
    @OptionGroup var folder: TargetFolderOption

    func run() throws {
      try reporting {
        let catalog = try folder.catalog()
        try FileOutput.write(try TargetListing(catalog).show(try catalog.load(target)), to: "-")
      }
    }
  }

  struct Lint: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks a machine description: schema, units, sources, leftovers, and whether its figures agree.")
    @Argument(help: ArgumentHelp("Names or paths; every machine when none is given.", valueName: "file")) var targets: [String] = []
    @OptionGroup var folder: TargetFolderOption

    func run() throws {
      try reporting {
        let catalog = try folder.catalog()
        let names = targets.isEmpty ? catalog.files().map(\.path) : targets
        let report = TargetLint(catalog).check(names)
        try FileOutput.write(report.text, to: "-")
        if report.hasErrors { throw ExitCode(1) }
      }
    }
  }
}
