package import Basic

/// What a machine family hands back for a list of kernels: the part of a `RunResult` that only the machine knows.
package struct MachineRun: Sendable {
  package var kernels: [KernelResult]
  package var timeline: Timeline
  package var latencySeconds: Double
  package var cycles: Int
  package var floorSeconds: Double
  /// What the floor takes as given beyond the machine, such as `with this folding`; nil for nothing.
  package var floorScope: String?
  /// What keeps a pipeline from a faster folding: a resource that is used up; nil when nothing does.
  package var roomLimit: String?
  /// The part of the latency that belongs to no kernel, where there is one.
  package var overhead: Overhead?
  package var serialSeconds: Double
  /// Inputs per second in steady state, when it is not simply images / latency.
  package var throughputPerSecond: Double?
  package var energyJoules: Double?
  /// Energy by part of the machine, when it is known part by part.
  package var energyByPart: [String: Double]
  package var peakMemoryBytes: [String: Int]
  package var resources: [String: ResourceUse]
  package var roofline: Roofline?
  package var assumptions: [Assumption]
  package var diagnostics: [Diagnostic]

  package init(
    kernels: [KernelResult], timeline: Timeline, latencySeconds: Double, cycles: Int, floorSeconds: Double,
    serialSeconds: Double, throughputPerSecond: Double? = nil, energyJoules: Double? = nil, energyByPart: [String: Double] = [:],
    peakMemoryBytes: [String: Int] = [:], resources: [String: ResourceUse] = [:], roofline: Roofline? = nil,
    assumptions: [Assumption] = [], diagnostics: [Diagnostic] = [], floorScope: String? = nil, overhead: Overhead? = nil,
    roomLimit: String? = nil
  ) {
    self.floorScope = floorScope
    self.overhead = overhead
    self.roomLimit = roomLimit
    self.kernels = kernels
    self.timeline = timeline
    self.latencySeconds = latencySeconds
    self.cycles = cycles
    self.floorSeconds = floorSeconds
    self.serialSeconds = serialSeconds
    self.throughputPerSecond = throughputPerSecond
    self.energyJoules = energyJoules
    self.energyByPart = energyByPart
    self.peakMemoryBytes = peakMemoryBytes
    self.resources = resources
    self.roofline = roofline
    self.assumptions = assumptions
    self.diagnostics = diagnostics
  }
}
