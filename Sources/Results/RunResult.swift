package import Basic

/// Everything one prediction found, as one value: what `--json` writes and every renderer reads.
package struct RunResult: Sendable, Codable, Hashable {
  package static let currentSchema = "cyclewright.run/1"

  package var schema = RunResult.currentSchema
  package var version: String
  package var model: ModelSummary
  package var target: TargetSummary
  package var request: RequestSummary
  package var totals: Totals
  package var kernels: [KernelResult]
  package var timeline: Timeline
  package var fusion: FusionLedger
  /// Source nodes without a kernel of their own, each with the reason.
  package var folded: [FoldedSource]
  /// The graph as the model file has it, for before/after pictures; empty when it is too large.
  package var outline: GraphOutline
  /// FPGA resources by name; empty for other families.
  package var resources: [String: ResourceUse]
  package var roofline: Roofline?
  /// Per layer, when it was looked into.
  package var sparsity: [SparsityVerdict]?
  package var assumptions: [Assumption]
  package var diagnostics: [Diagnostic]

  package init(
    version: String, model: ModelSummary, target: TargetSummary, request: RequestSummary, totals: Totals,
    kernels: [KernelResult], timeline: Timeline, fusion: FusionLedger, folded: [FoldedSource], outline: GraphOutline,
    resources: [String: ResourceUse] = [:], roofline: Roofline? = nil, sparsity: [SparsityVerdict]? = nil,
    assumptions: [Assumption], diagnostics: [Diagnostic]
  ) {
    self.version = version
    self.model = model
    self.target = target
    self.request = request
    self.totals = totals
    self.kernels = kernels
    self.timeline = timeline
    self.fusion = fusion
    self.folded = folded
    self.outline = outline
    self.resources = resources
    self.roofline = roofline
    self.sparsity = sparsity
    self.assumptions = assumptions
    self.diagnostics = diagnostics
  }
}

package struct ModelSummary: Sendable, Codable, Hashable {
  package var name: String
  package var format: String
  package var sha256: String
  package var parameters: Int
  package var macs: Int
  package var flops: Int
  package var weightBytes: Int
  /// The dimensions that were bound, by name.
  package var dims: [String: Int]
  package var sourceNodes: Int

  package init(
    name: String, format: String, sha256: String, parameters: Int, macs: Int, flops: Int, weightBytes: Int,
    dims: [String: Int], sourceNodes: Int
  ) {
    self.name = name
    self.format = format
    self.sha256 = sha256
    self.parameters = parameters
    self.macs = macs
    self.flops = flops
    self.weightBytes = weightBytes
    self.dims = dims
    self.sourceNodes = sourceNodes
  }
}

package struct TargetSummary: Sendable, Codable, Hashable {
  package var name: String
  package var family: String
  package var summary: String
  package var file: String
  package var sha256: String

  package init(name: String, family: String, summary: String, file: String, sha256: String) {
    self.name = name
    self.family = family
    self.summary = summary
    self.file = file
    self.sha256 = sha256
  }
}

/// What was asked for: the part of a run that is neither model nor machine.
package struct RequestSummary: Sendable, Codable, Hashable {
  package var precision: String?
  /// Formats of the layers, where the file has them: `i8 weights × f16`.
  package var formats: String?
  package var sparsity: String?
  package var fidelity: String
  /// `graph` or `eager`: who starts the kernels.
  package var launch: String?
  package var overrides: [String]

  package init(
    precision: String?, formats: String? = nil, sparsity: String?, fidelity: String, launch: String? = nil, overrides: [String]
  ) {
    self.precision = precision
    self.formats = formats
    self.sparsity = sparsity
    self.fidelity = fidelity
    self.launch = launch
    self.overrides = overrides
  }
}

/// A part of a run that belongs to no kernel: what a host or a driver does before, between or after them.
package struct Overhead: Sendable, Codable, Hashable {
  package var name: String
  package var seconds: Double

  package init(name: String, seconds: Double) {
    self.name = name
    self.seconds = seconds
  }
}

package struct Totals: Sendable, Codable, Hashable {
  package var latencySeconds: Double
  package var cycles: Int
  /// No schedule on this machine can be faster: compulsory bytes and arithmetic at full rate.
  package var floorSeconds: Double
  /// What the floor takes as given beyond the machine, such as `with this folding`; nil for nothing.
  package var floorScope: String?
  /// Every kernel after the other, nothing overlapped.
  package var serialSeconds: Double
  package var throughputPerSecond: Double
  /// Nil when the target does not state its energy.
  @NullWhenUnknown package var energyJoules: Double?
  /// Joules by part of the machine (arithmetic, each memory); nil when the machine knows only the sum, or nothing.
  package var energyByPart: [String: Double]?
  package var peakMemoryBytes: [String: Int]
  package var bytesMoved: [String: Int]
  /// Share of the latency spent in opaque kernels.
  package var opaqueShare: Double
  /// The part of the latency that belongs to no kernel, where there is one.
  package var overhead: Overhead?

  package init(
    latencySeconds: Double, cycles: Int, floorSeconds: Double, serialSeconds: Double, throughputPerSecond: Double,
    energyJoules: Double?, energyByPart: [String: Double]? = nil, peakMemoryBytes: [String: Int], bytesMoved: [String: Int],
    opaqueShare: Double, floorScope: String? = nil, overhead: Overhead? = nil
  ) {
    self.floorScope = floorScope
    self.overhead = overhead
    self.latencySeconds = latencySeconds
    self.cycles = cycles
    self.floorSeconds = floorSeconds
    self.serialSeconds = serialSeconds
    self.throughputPerSecond = throughputPerSecond
    self.energyJoules = energyJoules
    self.energyByPart = energyByPart
    self.peakMemoryBytes = peakMemoryBytes
    self.bytesMoved = bytesMoved
    self.opaqueShare = opaqueShare
  }
}

package struct FoldedSource: Sendable, Codable, Hashable {
  package var name: String
  package var reason: String

  package init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }
}

package struct ResourceUse: Sendable, Codable, Hashable {
  package var used: Double
  package var available: Double

  package init(used: Double, available: Double) {
    self.used = used
    self.available = available
  }
}

package struct Assumption: Sendable, Codable, Hashable {
  package var what: String
  package var basis: Basis
  package var source: String

  package init(what: String, basis: Basis, source: String) {
    self.what = what
    self.basis = basis
    self.source = source
  }
}
