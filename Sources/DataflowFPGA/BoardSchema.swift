package import Basic
internal import Engine
package import Hardware
package import Lowering

/// Measured columns of a table of board results.
package enum BoardFigure: String, Sendable, CaseIterable {
  case latency = "latency_us"
  case energy = "energy_uj_per_inf"
}

/// Networks run on boards: single-stream latency and energy per inference.
package struct BoardSchema: MeasurementSchema {
  package let figure: BoardFigure

  package init(_ figure: BoardFigure) { self.figure = figure }

  package var name: String { "fpga-board-\(figure.rawValue)" }
  package var requiredColumns: [String] {
    ["board", "layer_type", "params", "reuse_factor", "latency_us", "energy_uj_per_inf"]
  }
  package var measuredColumn: String { figure.rawValue }

  package func device(of row: MeasurementRow) -> String { String(row["board"]) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, in: [])
  }

  package func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("the board has no target file") }
    return BoardPredictor(figure: figure, description: try FPGADescription(target), table: table)
  }
}

struct BoardPredictor: RowPredictor {
  private let figure: BoardFigure
  private let description: FPGADescription
  /// Parameters of the last row above that spells them out, per kind of network, by line.
  private let spelled: [(line: Int, kind: String, params: String, reuse: String)]

  init(figure: BoardFigure, description: FPGADescription, table: [MeasurementRow]) {
    self.figure = figure
    self.description = description
    spelled = table.filter { $0["params"].contains("=") }.map {
      (line: $0.line, kind: String($0["layer_type"]), params: String($0["params"]), reuse: String($0["reuse_factor"]))
    }
  }

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let group = MeasurementGroup(
      target: String(row["board"]), format: "board", operation: "\(row["layer_type"]) \(figure.rawValue)")
    guard let measured = row.positive(figure.rawValue) else {
      return .skipped(why: "\(figure.rawValue) is not a positive number", group: group)
    }
    var params = String(row["params"])
    if !params.contains("="), let above = spelled.last(where: { $0.line < row.line && $0.kind == row["layer_type"] }) {
      params = above.params
    }
    let reuse = Int(row["reuse_factor"].prefix { $0.isNumber }) ?? 1
    guard (1...MeasurementRow.extentLimit).contains(reuse) else {
      return .skipped(why: "reuse_factor is not a positive whole number up to 2^24", group: group)
    }
    guard let design = BoardDesign(kind: String(row["layer_type"]), params: params, reuse: reuse)?.pipeline else {
      return .skipped(why: "the parameters do not describe a network: '\(params)'", group: group)
    }
    guard let profile = description.profiles.first(where: { $0.reports.contains { $0.tool == "board" } }) else {
      return .skipped(why: "no tool profile of the target describes boards", group: group)
    }
    let model = LayerModel(profile: profile, part: description.part, period: description.period)
    guard let network = try? model.estimate(design).network,
      case .success(let run) = (try? network.run(frames: 1)) ?? .failure(.unknown)
    else { return .skipped(why: "the layers do not form a running pipeline", group: group) }
    let seconds = Double(run.firstLatency) / description.clock + description.board.hostSeconds
    switch figure {
    case .latency: return .predicted(measured: measured, predicted: seconds * 1e6, group: group)
    case .energy:
      guard description.board.watts > 0 else { return .skipped(why: "the board's power is not known", group: group) }
      let busy = seconds + description.board.energyRunSeconds
      return .predicted(measured: measured, predicted: busy * description.board.watts * 1e6, group: group)
    }
  }
}
