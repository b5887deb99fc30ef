package import Engine

/// Device resources; block memory in 18 Kb halves.
package struct Area: Sendable, Hashable {
  package var dsp = 0
  package var lut = 0
  package var ff = 0
  package var bram18 = 0
  package var uram = 0

  package init(dsp: Int = 0, lut: Int = 0, ff: Int = 0, bram18: Int = 0, uram: Int = 0) {
    self.dsp = dsp
    self.lut = lut
    self.ff = ff
    self.bram18 = bram18
    self.uram = uram
  }

  package static func + (a: Self, b: Self) -> Self {
    Area(dsp: a.dsp + b.dsp, lut: a.lut + b.lut, ff: a.ff + b.ff, bram18: a.bram18 + b.bram18, uram: a.uram + b.uram)
  }

  /// The figures with the names reports use.
  package var named: [(name: String, count: Int)] {
    [("dsp", dsp), ("lut", lut), ("ff", ff), ("bram18", bram18), ("uram", uram)]
  }
}

/// What a layer costs and when, in the two accounts that tools give.
package struct LayerEstimate: Sendable, Hashable {
  /// Cycles the high-level synthesis report states for one frame, at worst and at best.
  package var reportedLatency = 0
  package var reportedLatencyBest = 0
  package var reportedInterval = 0
  /// Cycles between registers, in designs that hand over whole tensors.
  package var parallelCycles = 0
  /// What the hardware does, step by step.
  package var stage = DataflowStage(name: "", frame: [])
  /// As the high-level synthesis report counts, before logic synthesis.
  package var reported = Area()
  /// After logic synthesis.
  package var synthesised = Area()
  /// Block memory primitives of either size after logic synthesis, as utilisation reports list them.
  package var blockPrimitives = 0
  /// Processing elements and lanes, for profiles that fold so.
  package var folding: FINNFolding?
  /// The factor in use, and the one asked for.
  package var reuse: ReuseFactor?
}
