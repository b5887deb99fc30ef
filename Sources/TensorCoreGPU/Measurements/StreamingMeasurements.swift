package import Basic
package import Hardware
package import Lowering

/// Elementwise functions, norms, softmax and quantisation: `gpu,dtype,op,rows,cols,latency_us,source`.
package struct StreamingMeasurements: MeasurementSchema {
  package let name = "gpu-elementwise"
  package let requiredColumns = ["gpu", "dtype", "op", "rows", "cols", "latency_us"]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    let gpu = try GPUDescription(target)
    guard let software = gpu.streaming else {
      throw Failure("target '\(target.name)' does not describe streaming kernels", at: target.root.location)
    }
    return StreamingRowPredictor(target: target.name, model: StreamingModel(gpu, software))
  }
}

private struct StreamingRowPredictor: RowPredictor {
  let target: String
  let model: StreamingModel

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let name = String(row["op"])
    let group = MeasurementGroup(target: target, format: String(row["dtype"]), operation: name)
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    // A vector is one long row.
    guard let rows = row.extent("rows", upTo: 1 << 40), let columns = row.extent("cols", upTo: 1 << 40),
      MeasurementRow.product([rows, columns]) != nil
    else { return .skipped(why: "rows or cols is not a positive whole number up to 2^40, or rows·cols is above 2^48", group: group) }
    guard let operation = MeasuredOperation(name, isPhi: MeasuredModel.isPhi(note: row["note"])), let bytes = Self.bytes(row["dtype"])
    else {
      return .skipped(why: "unknown op '\(name)' or dtype '\(row["dtype"])'", group: group)
    }
    let mode = LaunchMode(Campaign(row["source"]).timing, operation.host)
    var work = operation.work(rows: rows, columns: columns, bytes: bytes)
    // Profiled inside a model, a kernel reads what the one before has written.
    if mode == .profiler { work.hotBytes = work.bytesRead * operation.freshShare }
    let estimate = model.estimate(work, mode: mode)
    return .predicted(
      measured: measured, predicted: estimate.seconds * Double(operation.kernels) * 1e6, group: group,
      note: "\(estimate.choice); \(estimate.reason)")
  }

  private static func bytes(_ format: Substring) -> Int? {
    switch format {
    case "fp32", "f32": 4
    case "fp16", "f16", "bf16": 2
    default: nil
    }
  }
}

extension LaunchMode {
  fileprivate init(_ timing: Campaign.Timing, _ operation: HostOperation) {
    switch timing {
    case .graph: self = .graph
    case .profiler: self = .profiler
    case .events: self = .eager(operation)
    }
  }
}

/// What the operations of the published tables do to memory, by the names the tables use.
private struct MeasuredOperation {
  var walk = StreamingWork.Walk.elements
  /// Operands read and written, in multiples of one input's bytes.
  var reads = 1.0
  var writes = 1.0
  var simple = 4.0
  var special = 0.0
  var host = HostOperation.tensors
  /// Share of the bytes read that comes straight from the kernel before; a residual is older.
  var freshShare = 1.0
  /// Kernels one measurement contains.
  var kernels = 1

  /// `isPhi`: two additions to the residual are one row, and norms are layer norms.
  init?(_ name: String, isPhi: Bool) {
    switch name {
    case "add", "mul", "div", "pow":
      (reads, freshShare) = (2, 0.5)
      kernels = isPhi ? 2 : 1
    case "add_scalar", "mul_scalar", "div_scalar", "pow_scalar": host = .scalar
    case "relu": break
    case "gelu", "act": (simple, special) = (12, 2)
    case "tanh": special = 1
    case "softmax": (walk, host) = (.softmaxRows, .softmax)
    case "layernorm": (walk, host) = (.momentRows, .normalization)
    case "norm": walk = isPhi ? .momentRows : .scalarRows(passes: 2)
    case "silu_mul": (walk, reads) = (.scalarRows(passes: 1), 2)
    case "fp8_compute_scale": (walk, writes) = (.wholeReduction, 0)
    case "fp8_scale_matrix": writes = 0.5
    default: return nil
    }
  }

  func work(rows: Int, columns: Int, bytes: Int) -> StreamingWork {
    let operand = Double(rows) * Double(columns) * Double(bytes)
    return StreamingWork(
      walk: walk, rows: rows, columns: columns, elementBytes: bytes, bytesRead: operand * reads,
      bytesWritten: operand * writes, simple: simple, special: special)
  }
}
