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

extension FPGAMeasurements {
  /// The device of an orderable part number, without package, speed grade and remarks: `xcvu9p` of `xcvu9p-flga2104-2L-e`, `xc7z020`
  /// of `xc7z020clg400-1`. Other names are left as they are.
  static func device(_ part: String) -> String {
    guard part.lowercased().hasPrefix("xc") else { return part }
    let code = part.prefix { $0 != "-" && $0 != " " }
    guard code.lowercased().hasPrefix("xc7"), let digits = code.dropFirst(3).firstIndex(where: \.isNumber) else { return String(code) }
    // Series 7 writes the package behind the device without a dash: letters, digits, at most one letter of the device's own.
    let rest = code[digits...].drop(while: \.isNumber)
    let isPackaged = rest.dropFirst().contains(where: \.isNumber)
    guard isPackaged else { return String(code) }
    let letters = rest.prefix { $0.isLetter }
    return String(code[..<(letters.count > 3 ? rest.index(after: rest.startIndex) : rest.startIndex)])
  }
}

/// The measured columns of a synthesis report table.
package enum HLSFigure: String, Sendable, CaseIterable {
  case latency = "latency_cycles"
  case bestLatency = "latency_min"
  case interval = "ii"
  case dsp, lut, ff, bram18
}
