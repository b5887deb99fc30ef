import ArgumentParser
import Basic
import Driver
import Foundation
import Hardware

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what a model is made of: operators, parameters, MACs and FLOPs, dimensions to bind.",
    discussion: "With --target, says per operator whether the machine runs it natively, emulated or as an opaque kernel.")

  @OptionGroup var model: ModelOptions
  @Option(help: ArgumentHelp("A machine to check the operators against.", valueName: "T")) var target: String?
  @OptionGroup var folder: TargetFolderOption
  @Option(help: ArgumentHelp("Write the listing as JSON (- for standard output).", valueName: "file")) var json: String?

  func run() throws {
    try reporting {
      var request = try model.request()
      request.allowsOpaque = true
      var file: TargetFile?
      if let target { file = try folder.catalog().load(target) }
      let inspection = try Inspection(request, target: file)
      if let json { try FileOutput.write(try inspection.json(), to: json) }
      if json != "-" { try FileOutput.write(inspection.text(), to: "-") }
    }
  }
}
