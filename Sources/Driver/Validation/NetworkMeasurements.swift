internal import Basic
internal import Foundation
internal import Hardware
internal import Lowering
internal import Results
internal import TiledNPU

/// Rows of networks on neural accelerators: `case,config,layer,op,params,cycles,…`.
///
/// `case` names the network, `config` the machine by name or alias. A row whose `layer` is `TOTAL` holds the whole network:
/// `cycles`, or in `params` one of `latency_ms`, `fps` (`fps_2dla`: on two such engines), `inf_per_s`, `array_active` (per cent).
/// Other rows are its operations in the order of execution. Rows that spell an array and a shape go to ``LayerTable``.
struct NetworkMeasurements: MeasurementSchema {
  let models: [String]

  var name: String { layers.name }
  var requiredColumns: [String] { layers.requiredColumns }
  var measuredColumn: String { layers.measuredColumn }
  private var layers: LayerTable { LayerTable() }

  func device(of row: MeasurementRow) -> String { layers.device(of: row) }

  func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor { try predictor(for: target, in: []) }

  func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor {
    guard let target else { return try layers.predictor(for: nil) }
    let files = NetworkModels(folders: models)
    var runs: [String: Result<NetworkRun, Failure>] = [:]
    let device = Set([target.name] + target.aliases)
    for row in table where runs[String(row["case"])] == nil && device.contains(String(row["config"])) {
      let network = String(row["case"])
      let rows = table.filter { $0["case"] == row["case"] && $0["config"] == row["config"] }
      runs[network] = NetworkRun.make(network, files: files, target: target, operations: rows)
    }
    return NetworkPredictor(target: target.name, runs: runs)
  }
}

/// Totals as Vela's summary gives them: `model,accelerator,system_config,memory_mode,clock_hz,cycles_total`.
struct VelaSummaryMeasurements: MeasurementSchema {
  let models: [String]

  var name: String { "vela-summary" }
  var requiredColumns: [String] { ["model", "accelerator", "system_config", "memory_mode", "clock_hz", "cycles_total"] }
  var measuredColumn: String { "cycles_total" }

  func device(of row: MeasurementRow) -> String {
    "\(row["accelerator"]);\(row["system_config"]);\(row["memory_mode"]);clk=\(row["clock_hz"])"
  }

  func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor { try predictor(for: target, in: []) }

  func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a summary name their accelerator") }
    let files = NetworkModels(folders: models)
    var runs: [String: Result<NetworkRun, Failure>] = [:]
    for row in table where runs[String(row["model"])] == nil && target.aliases.contains(device(of: row)) {
      let network = String(row["model"])
      runs[network] = NetworkRun.make(network, files: files, target: target, operations: [])
    }
    return SummaryPredictor(target: target.name, runs: runs)
  }
}

/// A network on a machine, with the kernels that carry out the operations of a table.
struct NetworkRun: Sendable {
  var result: RunResult
  var batch: Int
  /// Measured and predicted cycles by the table's line; nil for rows that another row of the same operation stands for.
  var operations: [Int: (measured: Double, predicted: Double)?]

  static func make(
    _ network: String, files: NetworkModels, target: TargetFile, operations rows: [MeasurementRow]
  ) -> Result<NetworkRun, Failure> {
    // A file that cannot be run, such as one of a fixed batch, gives way to the next.
    var first: Failure?
    for path in files.paths(for: network, machine: target.name) {
      switch make(network, path: path, target: target, operations: rows) {
      case .success(let run): return .success(run)
      case .failure(let failure): first = first ?? failure
      }
    }
    return .failure(first ?? Failure("no model file for '\(network)'", fix: "name a folder that holds it with --models"))
  }

  private static func make(
    _ network: String, path: String, target: TargetFile, operations rows: [MeasurementRow]
  ) -> Result<NetworkRun, Failure> {
    do throws(Failure) {
      var request = ModelRequest(path: path)
      let batch = NetworkModels.batch(network) ?? 1
      // Files of one frame carry their batch; graphs with a symbol need it bound.
      let isOpen = try !LoadedModel(request).openDimensions.isEmpty
      request.batch = batch > 1 || isOpen ? batch : nil
      let prediction = Prediction(model: request, target: target.name, catalog: TargetCatalog(folder: ""))
      let result = try prediction.run(on: target)
      return .success(NetworkRun(result: result, batch: batch, operations: match(rows, result.kernels)))
    } catch {
      return .failure(error)
    }
  }

  /// Pairs operations of the table with kernels: of the same family, with the same multiplications where there are any, in order.
  ///
  /// Operations that a compiler cuts into steps (`Softmax/…`) are one kernel: its first row stands for all.
  private static func match(
    _ rows: [MeasurementRow], _ kernels: [KernelResult]
  ) -> [Int: (measured: Double, predicted: Double)?] {
    var used = Set<Int>()
    var found: [Int: (measured: Double, predicted: Double)?] = [:]
    var index = 0
    while index < rows.count {
      let row = rows[index]
      index += 1
      guard row["layer"] != "TOTAL", var measured = row.positive("cycles") else { continue }
      let words = row["op"].split(separator: "/", maxSplits: 1).map(String.init)
      guard let family = words.first, let step = words.last else { continue }
      var others: [Int] = []
      if step != family {
        while index < rows.count, rows[index]["op"].hasPrefix("\(family)/"), rows[index]["op"] != "\(family)/\(family)" {
          measured += rows[index].positive("cycles") ?? 0
          others.append(rows[index].line)
          index += 1
        }
      }
      let macs = family.contains("Conv") || family.contains("FullyConnected") ? multiplications(row) : nil
      let kinds = Self.kinds(family)
      let hit = kernels.indices.first { position in
        let kernel = kernels[position]
        return !used.contains(position) && kinds.contains(kernel.kind) && (macs == nil || macs == kernel.macs)
      }
      guard let hit else { continue }
      used.insert(hit)
      found[row.line] = .some((measured, Double(kernels[hit].cycles)))
      for line in others { found[line] = .some(nil) }
    }
    return found
  }

  private static func multiplications(_ row: MeasurementRow) -> Int? {
    for pair in row["params"].split(separator: ";") where pair.hasPrefix("macs=") { return Int(pair.dropFirst(5)) }
    return nil
  }

  private static func kinds(_ family: String) -> Set<String> {
    if family.contains("Conv") { return ["convolution"] }
    if family.contains("FullyConnected") || family.contains("MatMul") { return ["matmul"] }
    if family.contains("Pool") || family.contains("Softmax") || family.contains("Reduce") || family.contains("Mean") {
      return ["reduction"]
    }
    return ["pointwise", "movement"]
  }
}

private struct SummaryPredictor: RowPredictor {
  let target: String
  let runs: [String: Result<NetworkRun, Failure>]

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let group = MeasurementGroup(target: target, format: "i8", operation: "networks, cycles")
    guard let measured = row.positive("cycles_total") else {
      return .skipped(why: "cycles_total is not a positive number", group: group)
    }
    switch runs[String(row["model"])] {
    case .success(let run)?:
      return .predicted(measured: measured, predicted: Double(run.result.totals.cycles), group: group, note: run.result.model.name)
    case .failure(let failure)?: return .skipped(why: failure.diagnostics.first?.message ?? failure.description, group: group)
    case nil: return .skipped(why: "no model file for '\(row["model"])'", group: group)
    }
  }
}

private struct NetworkPredictor: RowPredictor {
  let target: String
  let runs: [String: Result<NetworkRun, Failure>]

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let network = String(row["case"])
    let isTotal = row["layer"] == "TOTAL"
    var group = MeasurementGroup(target: target, format: "i8", operation: isTotal ? network : "\(network), operations")
    let run: NetworkRun
    switch runs[network] {
    case .success(let made)?: run = made
    case .failure(let failure)?: return .skipped(why: failure.diagnostics.first?.message ?? failure.description, group: group)
    case nil: return .skipped(why: "no model file for '\(network)'", group: group)
    }
    guard isTotal else {
      switch run.operations[row.line] {
      case .some(.some(let pair)): return .predicted(measured: pair.measured, predicted: pair.predicted, group: group)
      case .some(.none): return .skipped(why: "a further step of an operation, counted with its first", group: group)
      case .none: return .skipped(why: "no kernel of '\(network)' answers to operation '\(row["op"])'", group: group)
      }
    }
    guard let (unit, measured, predicted) = Self.total(row, run) else {
      return .skipped(why: "the row of '\(network)' has neither cycles nor a latency", group: group)
    }
    group.operation += ", \(unit)"
    return .predicted(measured: measured, predicted: predicted, group: group, note: run.result.model.name)
  }

  /// Unit, measured and predicted figure of a whole network.
  private static func total(_ row: MeasurementRow, _ run: NetworkRun) -> (unit: String, measured: Double, predicted: Double)? {
    let totals = run.result.totals
    if let cycles = row.positive("cycles") { return ("cycles", cycles, Double(totals.cycles)) }
    for pair in row["params"].split(separator: ";") {
      let words = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard words.count == 2, let value = Double(words[1]), value > 0, value.isFinite, totals.latencySeconds > 0 else { continue }
      let perSecond = Double(run.batch) / totals.latencySeconds
      switch words[0] {
      case "latency_ms": return ("ms", value, totals.latencySeconds * 1e3)
      case "inf_per_s": return ("per second", value, perSecond)
      case "array_active": return ("per cent active", value, 100 * active(run.result))
      case let key where key == "fps" || key.hasPrefix("fps_"):
        let engines = Int(key.dropFirst(4).prefix { $0.isNumber }) ?? 1
        return ("frames per second", value, perSecond * Double(engines))
      default: continue
      }
    }
    return nil
  }

  /// Share of all cycles in which the array multiplies.
  private static func active(_ result: RunResult) -> Double {
    let busy = result.kernels.reduce(0.0) { $0 + ($1.figures["array active"] ?? 0) * Double($1.cycles) }
    return busy / Double(max(1, result.kernels.reduce(0) { $0 + $1.cycles }))
  }
}
