package import Basic
internal import Engine
package import Hardware
package import Lowering

/// Reports of high-level synthesis, co-simulation and logic synthesis: one row per layer or design.
package struct HLSReportSchema: MeasurementSchema {
  package let figure: HLSFigure

  package init(_ figure: HLSFigure) { self.figure = figure }

  package var name: String { "fpga-hls-report-\(figure.rawValue)" }
  package var requiredColumns: [String] {
    [
      "case", "tool", "stage", "part", "clock_mhz", "layer_type", "params", "reuse_factor", "strategy", "io_type",
      figure.rawValue, "bram18",
    ]
  }
  package var measuredColumn: String { figure.rawValue }

  package func device(of row: MeasurementRow) -> String { FPGAMeasurements.device(String(row["part"])) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, in: [])
  }

  package func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("the part of the reports has no target file") }
    return HLSReportPredictor(figure: figure, description: try FPGADescription(target), table: table)
  }
}

/// Predicts one figure of report rows; designs are assembled from their layer rows.
struct HLSReportPredictor: RowPredictor {
  private let figure: HLSFigure
  private let description: FPGADescription
  private let layers: [String: ReportedDesign]

  init(figure: HLSFigure, description: FPGADescription, table: [MeasurementRow]) {
    self.figure = figure
    self.description = description
    var layers: [String: ReportedDesign] = [:]
    for row in table {
      let report = ReportRow(row)
      guard report.kind != "model", report.stage == "csynth" else { continue }
      layers[report.design, default: ReportedDesign(rows: [], multipliers: [])].rows.append(report)
      layers[report.design]?.multipliers.append(row.integer("dsp"))
    }
    self.layers = layers
  }

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let report = ReportRow(row)
    let group = MeasurementGroup(
      target: report.part, format: report.precision.isEmpty ? "design" : report.precision,
      operation: "\(report.stage) \(report.kind) \(figure.rawValue)")
    // After logic synthesis tables count block primitives of either size together.
    let blocks = figure == .bram18 && report.stage == "vsynth" ? report["bram36"].flatMap { $0 >= 0 ? Double($0) : nil } : nil
    guard let measured = row.count(figure.rawValue) ?? blocks else {
      // One group for all of them: a cell that holds nothing is no missed prediction.
      let empty = MeasurementGroup(target: report.part, format: "", operation: "not measured")
      return .skipped(why: "no \(figure.rawValue) in this row", group: empty)
    }
    guard report.hasClock else { return .skipped(why: "clock_mhz is not a clock", group: group) }
    guard let profile = profile(for: report) else {
      return .skipped(why: "no tool profile for '\(report.tool)', \(report.design)", group: group)
    }
    let model = LayerModel(profile: profile, part: description.part, period: 1000 / max(report.clock, 1))
    guard report.kind == "model" else { return predictLayer(report, row, model, measured, group) }
    let name = layers[report.name] == nil ? report.design : report.name
    guard let design = layers[name]?.assembled(name: name) else {
      return .skipped(why: "the layers of this design are not in the table, or one is of an unknown kind", group: group)
    }
    do {
      return try predictDesign(report, model.estimate(design), measured, group)
    } catch {
      return .skipped(why: "the layers do not form a pipeline: \(error)", group: group)
    }
  }

  private func predictLayer(
    _ report: ReportRow, _ row: MeasurementRow, _ model: LayerModel, _ measured: Double, _ group: MeasurementGroup
  ) -> RowOutcome {
    guard var layer = LayerSpec(report, reportedMultipliers: row.integer("dsp")) else {
      return .skipped(why: "layer kind '\(report.kind)' or its shape is not known", group: group)
    }
    var note = ""
    if layer.weightCount > 0, report.reuse == nil {
      guard figure != .dsp else { return .skipped(why: "the reuse factor is not given", group: group) }
      note = "reuse factor \(layer.reuse) from the number of multipliers"
    }
    if let design = layers[report.design]?.assembled(name: ""),
      let full = design.layers.first(where: { $0.name == layer.name })
    {
      layer = full
    }
    if report.transfer == .parallel, layer.strategy == .latency,
      figure == .latency || figure == .bestLatency || figure == .interval
    {
      let parts = model.parallelLatency(layer)
      return .predicted(
        measured: measured, predicted: Double(figure == .interval ? parts.interval : parts.latency), group: group,
        note: note)
    }
    let estimate = model.estimate(layer)
    let value: Int
    switch figure {
    case .latency: value = estimate.reportedLatency
    case .bestLatency: value = estimate.reportedLatencyBest
    case .interval: value = estimate.reportedInterval
    case .dsp: value = estimate.reported.dsp
    case .lut: value = estimate.reported.lut
    case .ff: value = estimate.reported.ff
    case .bram18: value = estimate.reported.bram18
    }
    return .predicted(measured: measured, predicted: Double(value), group: group, note: note)
  }

  private func predictDesign(
    _ report: ReportRow, _ estimate: PipelineEstimate, _ measured: Double, _ group: MeasurementGroup
  ) -> RowOutcome {
    let isSynthesised = report.stage == "vsynth"
    let area = isSynthesised ? estimate.synthesised : estimate.reported
    let value: Int
    switch figure {
    case .dsp: value = area.dsp
    case .lut: value = area.lut
    case .ff: value = area.ff
    case .bram18: value = isSynthesised ? estimate.blockPrimitives : area.bram18
    case .latency, .bestLatency, .interval:
      guard report.stage == "cosim" else {
        value =
          figure == .interval
          ? estimate.reportedInterval : figure == .latency ? estimate.reportedLatency : estimate.reportedLatencyBest
        break
      }
      // Co-simulations run a handful of frames; the worst latency and interval appear by the third.
      guard case .success(let run) = (try? estimate.network.run(frames: 5)) ?? .failure(DeadlockFailure.unknown) else {
        return .skipped(why: "the pipeline deadlocks", group: group)
      }
      switch figure {
      case .latency: value = run.worstLatency
      case .bestLatency: value = run.firstLatency
      default: value = zip(run.started.dropFirst(), run.started).map { $0 - $1 }.max() ?? run.interval
      }
    }
    return .predicted(measured: measured, predicted: Double(value), group: group)
  }

  /// The profile with the most specific pattern that fits the tool and the design; nil when none does.
  private func profile(for report: ReportRow) -> ImplementationProfile? {
    var best: (profile: ImplementationProfile, length: Int)?
    for profile in description.profiles {
      for pattern in profile.reports {
        guard pattern.tool.isEmpty || report.tool.contains(pattern.tool) || report.name.contains(pattern.tool),
          pattern.design.isEmpty || report.name.contains(pattern.design)
        else { continue }
        let length = pattern.tool.count + pattern.design.count
        if length > best?.length ?? 0 { best = (profile, length) }
      }
    }
    return best?.profile
  }
}
