internal import Foundation

/// Where the shipped `targets/` and `graphs/` are: the only place that looks at the environment and the file system for them.
package enum InstallationFolders {
  /// `CYCLEWRIGHT_HOME`, else the nearest folder with `targets/` above the working folder or above the executable.
  package static func home() -> String? {
    let environment = ProcessInfo.processInfo.environment
    if let home = environment["CYCLEWRIGHT_HOME"], isHome(home) { return home }
    let executable = executablePath().map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path }
    for start in [FileManager.default.currentDirectoryPath, executable].compactMap({ $0 }) {
      var folder = URL(fileURLWithPath: start)
      for _ in 0..<8 {
        if isHome(folder.path) { return folder.path }
        let shared = folder.appendingPathComponent("share/cyclewright")
        if isHome(shared.path) { return shared.path }
        folder.deleteLastPathComponent()
      }
    }
    return nil
  }

  /// The running program's own path.
  package static func executablePath() -> String? {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first
  }

  private static func isHome(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/targets/target.xsd")
  }
}
