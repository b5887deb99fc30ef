import DataflowFPGA
import Foundation
import Hardware

/// The target files of the repository.
enum Targets {
  static let catalog = TargetCatalog(
    folder: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("targets").path)

  static var names: [String] { catalog.files().filter { $0.path.contains("/fpga/") }.map(\.name) }

  static func description(_ name: String, set: [String] = []) throws -> FPGADescription {
    try FPGADescription(file(name, set: set))
  }

  static func file(_ name: String, set: [String] = []) throws -> TargetFile {
    var file = try catalog.load(name)
    for assignment in set { try file.set(assignment) }
    return file
  }

  static func model(_ profile: String, on name: String = "vu9p", period: Double = 5) throws -> LayerModel {
    let description = try description(name, set: ["hls.profile=\(profile)"])
    guard let found = description.profile else { throw CocoaError(.fileNoSuchFile) }
    return LayerModel(profile: found, part: description.part, period: period)
  }
}
