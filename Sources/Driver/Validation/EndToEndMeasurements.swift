internal import Basic
internal import Foundation
internal import Hardware
internal import Lowering

/// Whole models: `model,target,precision,batch,seq,latency_ms`, with `launch` (`graph` or `eager`) if the table has it.
///
/// `model` is a path, or the name of a shipped graph in any spelling (`BERT_large` is `bert-large`). `seq` binds the symbol
/// that is left when the batch is bound. Without `launch`, fp32 rows are taken as a framework's own operations and the other
/// formats as an engine, which is how those formats are deployed; TF32 is a format of its own.
struct EndToEndMeasurements: MeasurementSchema {
  let name = "end-to-end"
  let requiredColumns = ["model", "target", "precision", "batch", "seq", "latency_ms"]
  let measuredColumn = "latency_ms"

  func device(of row: MeasurementRow) -> String { String(row["target"]) }

  func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of an end-to-end table name their target") }
    let machine = try MachineCatalog.machine(for: target)
    return EndToEndPredictor(target: target, launches: type(of: machine).launches)
  }
}

private struct EndToEndPredictor: RowPredictor {
  let target: TargetFile
  let launches: [RunRequest.Launch]

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let precision = String(row["precision"])
    let model = String(row["model"])
    var group = MeasurementGroup(target: target.name, format: precision, operation: "model \(model)")
    guard let measured = row.positive("latency_ms"), let batch = row.extent("batch") else {
      return .skipped(why: "batch or latency_ms is not a positive number", group: group)
    }
    let asked = String(row["launch"])
    guard let launch = asked.isEmpty ? assumedLaunch(precision) : RunRequest.Launch(rawValue: asked) else {
      return .skipped(why: "launch '\(asked)' is neither graph nor eager", group: group)
    }
    group.operation = "model \(model), \(launch.rawValue)"
    do throws(Failure) {
      var request = ModelRequest(path: model)
      request.batch = batch
      request.precision = precision.isEmpty ? nil : precision
      request.sparsity = row["sparsity"].isEmpty ? nil : String(row["sparsity"])
      request.dimensions = try dimensions(request, sequence: row.extent("seq"), past: row.extent("past"))
      var prediction = Prediction(model: request, target: target.name, catalog: TargetCatalog(folder: ""))
      prediction.launch = launch
      let result = try prediction.run(on: target)
      let slowest = result.kernels.max { $0.latencySeconds < $1.latencySeconds }
      return .predicted(
        measured: measured, predicted: result.totals.latencySeconds * 1e3, group: group,
        note: "launch \(launch.rawValue); \(result.kernels.count) kernels; slowest \(slowest?.name ?? "none")")
    } catch {
      return .skipped(why: error.diagnostics.first?.message ?? error.description, group: group)
    }
  }

  private func assumedLaunch(_ precision: String) -> RunRequest.Launch {
    launches.contains(.eager) && ["fp32", "f32"].contains(precision.lowercased()) ? .eager : .graph
  }

  /// `seq` goes to the symbol that is not bound by the batch: the only one, or the one that is called sequence.
  private func dimensions(_ request: ModelRequest, sequence: Int?, past: Int?) throws(Failure) -> [String: Int] {
    var bound: [String: Int] = [:]
    if let past { bound["past"] = past }
    guard let sequence else { return bound }
    var probe = request
    probe.dimensions = bound
    let open = try LoadedModel(probe).openDimensions
    guard let symbol = open.count == 1 ? open.first : open.first(where: { $0.lowercased().hasPrefix("seq") }) else {
      // A model of fixed shape (images) has nothing that a length could bind.
      guard open.isEmpty else { throw Failure("which of the dimensions \(open.joined(separator: ", ")) is seq?") }
      return bound
    }
    bound[symbol] = sequence
    return bound
  }
}
