package import Lowering

/// Tables of measurements that FPGA targets can be checked against.
package enum FPGAMeasurements {
  package static let schemas: [any MeasurementSchema] =
    HLSFigure.allCases.map(HLSReportSchema.init)
    + HLSFigure.allCases.map(DenseReportSchema.init)
    + BoardFigure.allCases.map(BoardSchema.init)
    + MappingFigure.allCases.map(MappingSchema.init)
    + [FIFODepthSchema()]
}

/// The measured columns of a synthesis report table.
package enum HLSFigure: String, Sendable, CaseIterable {
  case latency = "latency_cycles"
  case bestLatency = "latency_min"
  case interval = "ii"
  case dsp, lut, ff, bram18
}
