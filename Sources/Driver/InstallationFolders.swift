internal import Foundation

/// Where the shipped `targets/` and `graphs/` are: the only place that looks at the environment and the file system for them.
package enum InstallationFolders {
  /// `CYCLEWRIGHT_HOME`, else the nearest folder with `targets/` above the working folder or above the executable.
  package static func home() -> String? {
    if let home = environment("CYCLEWRIGHT_HOME"), isHome(home) { return home }
    // The executable is looked for only when needed: most runs start inside the installation.
    return home(above: FileManager.default.currentDirectoryPath) ?? executableFolder().flatMap(home(above:))
  }

  /// One variable of the environment, without making a dictionary of all.
  package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  private static func home(above start: String) -> String? {
    var folder = Substring(start)
    for _ in 0..<8 {
      if isHome(String(folder)) { return String(folder) }
      let shared = "\(folder)/share/cyclewright"
      if isHome(shared) { return shared }
      guard let slash = folder.lastIndex(of: "/"), folder.count > 1 else { return nil }
      folder = folder[..<slash]
    }
    return nil
  }

  private static func executableFolder() -> String? {
    executablePath().map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path }
  }

  /// The running program's own path.
  package static func executablePath() -> String? {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first
  }

  private static func isHome(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/targets/target.xsd")
  }
}
