package import Basic
package import Hardware
package import IR
package import Results

/// How a run was asked for.
package struct RunRequest: Sendable, Hashable {
  package enum Fidelity: String, Sendable, CaseIterable, Codable {
    /// Closed forms.
    case fast
    /// Discrete events.
    case event
  }

  package var fidelity: Fidelity
  /// Inputs processed by one run, for throughput.
  package var batch: Int

  package init(fidelity: Fidelity = .fast, batch: Int = 1) {
    self.fidelity = fidelity
    self.batch = batch
  }
}

/// One machine: a description read from XML that can cost kernels. Each family module has one conforming type.
package protocol Machine: Sendable {
  /// The `family` attribute of target files this type reads: `gpu`, `fpga`, `npu`.
  static var family: String { get }

  /// Reads the description; every mistake of the file is in the failure.
  init(_ target: TargetFile) throws(Failure)

  /// What the machine executes and fuses, for the passes.
  var capabilities: Capabilities { get }

  /// The number format used when the user names none: `f16`, `bf16`, `i8` …
  var defaultPrecision: ElementType { get }

  /// Lowers and simulates. Throws when something does not fit, with demand, bound and what would help.
  func run(_ kernels: [Kernel], _ request: RunRequest) throws(Failure) -> MachineRun

  /// Checks beyond the reading of the file: does clock × width match the stated peak, and the like.
  func lint() -> [Diagnostic]
}

extension Machine {
  package func lint() -> [Diagnostic] { [] }
}
