package import Basic
package import Hardware
package import Lowering

/// Reports of whole chains of dense layers: `layers=80-24-120`, one row per network.
package struct DenseReportSchema: MeasurementSchema {
  package let figure: HLSFigure

  package init(_ figure: HLSFigure) { self.figure = figure }

  package var name: String { "fpga-dense-report-\(figure.rawValue)" }
  package var requiredColumns: [String] {
    ["params", "precision", "reuse_factor", "rf_effective", "clock_mhz", measuredColumn]
  }
  package var measuredColumn: String { figure == .bram18 ? "bram36" : figure.rawValue }

  /// The part, also when the table only believes it: `unstated (believed xcu250)`.
  package func device(of row: MeasurementRow) -> String {
    let text = String(row["part"])
    guard let range = text.firstRange(of: "believed ") else { return FPGAMeasurements.device(text) }
    return FPGAMeasurements.device(String(text[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "-" }))
  }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("the part of the reports has no target file") }
    return DenseReportPredictor(figure: figure, column: measuredColumn, description: try FPGADescription(target))
  }
}

struct DenseReportPredictor: RowPredictor {
  let figure: HLSFigure
  let column: String
  let description: FPGADescription

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let report = ReportRow(row)
    let group = MeasurementGroup(
      target: description.part.name, format: report.precision, operation: "\(report.kind) \(figure.rawValue)")
    guard let measured = row.count(column) else { return .skipped(why: "no \(column) in this row", group: group) }
    guard let reuse = report.reuse else { return .skipped(why: "no reuse factor in this row", group: group) }
    let sizes = (report.parameters["layers"] ?? "").split(separator: "-").compactMap { Int($0) }
    guard report.hasClock else { return .skipped(why: "clock_mhz is not a clock", group: group) }
    guard sizes.count > 1, sizes.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else {
      return .skipped(why: "params lack layers=a-b-…", group: group)
    }
    guard
      let profile = description.profiles.first(where: {
        $0.reports.contains { report.tool.contains($0.tool) && $0.design.isEmpty }
      })
    else { return .skipped(why: "no tool profile of the target describes '\(report.tool)'", group: group) }
    let model = LayerModel(profile: profile, part: description.part, period: 1000 / max(report.clock, 1))
    let design = PipelineDesign(
      chain: Self.layers(
        sizes, reuse: reuse, bits: report.bits ?? 16, strategy: report.strategy, transfer: report.transfer),
      name: report.name,
      transfer: report.transfer)
    guard let estimate = try? model.estimate(design) else {
      return .skipped(why: "the layers do not form a pipeline", group: group)
    }
    let predicted: Double
    switch figure {
    case .latency: predicted = Double(estimate.reportedLatency)
    case .bestLatency: predicted = Double(estimate.reportedLatencyBest)
    case .interval: predicted = Double(estimate.reportedInterval)
    case .dsp: predicted = Double(estimate.synthesised.dsp)
    case .lut: predicted = Double(estimate.synthesised.lut)
    case .ff: predicted = Double(estimate.synthesised.ff)
    case .bram18: predicted = Double(estimate.synthesised.bram18) / 2
    }
    return .predicted(measured: measured, predicted: predicted, group: group)
  }

  /// Dense layers with a ReLU between each two.
  static func layers(_ sizes: [Int], reuse: Int, bits: Int, strategy: Strategy, transfer: Transfer) -> [LayerSpec] {
    var layers: [LayerSpec] = []
    for index in 1..<sizes.count {
      var dense = LayerSpec(name: "dense\(index)", kind: .dense)
      (dense.channels, dense.outputChannels) = (sizes[index - 1], sizes[index])
      dense.reuse = reuse
      dense.weightBits = bits
      dense.strategy = strategy
      dense.transfer = transfer
      layers.append(dense)
      guard index < sizes.count - 1 else { break }
      var relu = LayerSpec(name: "relu\(index)", kind: .activation)
      (relu.channels, relu.outputChannels) = (sizes[index], sizes[index])
      (relu.strategy, relu.transfer) = (strategy, transfer)
      layers.append(relu)
    }
    return layers
  }
}
