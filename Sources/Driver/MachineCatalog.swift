package import Basic
internal import DataflowFPGA
package import Hardware
package import Lowering
internal import TensorCoreGPU
internal import TiledNPU

/// The machine families, one line each: who reads a target file, and which tables of measurements check it.
package enum MachineCatalog {
  package static let families: [any Machine.Type] = [GPU.self, FPGA.self, NPU.self]

  /// Every table that can be checked; `models` are folders with the networks that tables name.
  package static func schemas(models: [String]) -> [any MeasurementSchema] {
    GPUMeasurements.schemas + FPGAMeasurements.schemas + [
      NetworkMeasurements(models: models), VelaSummaryMeasurements(models: models), EndToEndMeasurements(),
    ]
  }

  /// Reads a target into its family's machine.
  package static func machine(for target: TargetFile) throws(Failure) -> any Machine {
    guard let family = families.first(where: { $0.family == target.family }) else {
      let known = families.map { $0.family }
      let near = nearestSpelling(to: target.family, in: known).map { "did you mean \($0)?" }
      throw Failure(
        "no machine family '\(target.family)'", at: target.root.location, fix: near ?? "one of \(known.joined(separator: ", "))")
    }
    return try family.init(target)
  }
}
