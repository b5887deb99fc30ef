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

  /// Who starts the kernels.
  package enum Launch: String, Sendable, CaseIterable, Codable {
    /// The whole run is handed to the machine at once: a replayed CUDA graph, an engine, a command stream.
    case graph
    /// A framework on the host calls one operation after the other, each of which starts its kernels.
    case eager
  }

  package var fidelity: Fidelity
  package var launch: Launch
  /// Inputs processed by one run, for throughput.
  package var batch: Int

  package init(fidelity: Fidelity = .fast, launch: Launch = .graph, batch: Int = 1) {
    self.fidelity = fidelity
    self.launch = launch
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

  /// Ways to start kernels the machine knows.
  static var launches: [RunRequest.Launch] { get }

  /// Lowers and simulates. Throws when something does not fit, with demand, bound and what would help.
  func run(_ kernels: [Kernel], _ request: RunRequest) throws(Failure) -> MachineRun

  /// Checks beyond the reading of the file: does clock × width match the stated peak, and the like.
  func lint() -> [Diagnostic]
}

extension Machine {
  package static var launches: [RunRequest.Launch] { [.graph] }

  package func lint() -> [Diagnostic] { [] }
}
