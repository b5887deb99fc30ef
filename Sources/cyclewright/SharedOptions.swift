import ArgumentParser
import Basic
import Driver
import Foundation
import Hardware

/// Where machine descriptions are.
struct TargetFolderOption: ParsableArguments {
  @Option(
    name: .customLong("targets"),
    help: ArgumentHelp("Folder of machine descriptions (default: targets/ of the installation).", valueName: "folder"))
  var folder: String?

  func catalog() throws(Failure) -> TargetCatalog {
    if let folder { return TargetCatalog(folder: folder) }
    guard let home = InstallationFolders.home() else {
      throw Failure(
        "cannot find the folder of machine descriptions", fix: "run inside the checkout, set CYCLEWRIGHT_HOME, or pass --targets")
    }
    return TargetCatalog(folder: "\(home)/targets")
  }
}

/// Turns failures into messages on stderr and exit status 1.
func reporting(_ body: () throws -> Void) throws {
  do { try body() } catch let failure as Failure {
    OutputFile.note(failure.description + "\n")
    throw ExitCode(1)
  }
}
