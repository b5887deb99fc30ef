package import Basic
package import Hardware
internal import IR
package import Lowering

/// Matrix products: `gpu,dtype,op,batch,m,n,k,latency_us` with the campaign in `source`, times in microseconds.
package struct GEMMMeasurements: MeasurementSchema {
  package let name = "gpu-gemm"
  package let requiredColumns = ["gpu", "dtype", "op", "batch", "m", "n", "k", "latency_us"]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package let hasEventForm = true

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, .fast)
  }

  package func eventPredictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, .event)
  }

  private func predictor(for target: TargetFile?, _ fidelity: RunRequest.Fidelity) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    return GEMMRowPredictor(target: target.name, model: GEMMModel(try GPUDescription(target), fidelity: fidelity))
  }
}

private struct GEMMRowPredictor: RowPredictor {
  let target: String
  let model: GEMMModel
  /// What tables call a product.
  private static let operations = ["linear", "bmm", "gemm", "batched_gemm", "matmul", "mm", "addmm", "baddbmm", "fc", "dense"]

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let format = String(row["dtype"])
    let group = MeasurementGroup(target: target, format: format, operation: String(row["op"]))
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    guard let batch = row.extent("batch"), let m = row.extent("m"), let n = row.extent("n"), let k = row.extent("k") else {
      return .skipped(why: "batch, m, n or k is not a positive whole number up to 2^24", group: group)
    }
    guard MeasurementRow.product([batch, m, n, k]) != nil else { return .skipped(why: "batch·m·n·k is above 2^48", group: group) }
    guard Self.operations.contains(String(row["op"])) else {
      return .skipped(why: "unknown op '\(row["op"])': a product is one of \(Self.operations.joined(separator: ", "))", group: group)
    }
    guard let precision = GEMMPrecision(format) else { return .skipped(why: "unknown dtype '\(format)'", group: group) }
    var shape = precision.shape(batch: batch, m: m, n: n, k: k)
    let operands =
      Double(batch) * Double(n) * (Double(k) * Double(shape.weight.bits) + Double(m) * Double(shape.output.bits)) / 8
    let library = String(row["lib"].prefix { $0.isLetter })
    let campaign = Campaign(row["source"])
    shape.weightReuseBytes = campaign.weightReuse(operands, library: library, format: format)
    guard var choice = model.choosePath(for: shape, library: library) else {
      return .skipped(why: "\(target) cannot multiply \(format)", group: group)
    }
    campaign.adapt(&choice, library: library, on: model.gpu)
    let estimate = model.estimate(choice.shape, on: choice.path)
    let overhead = choice.path.timingOverhead + (campaign.timing == .events ? model.gpu.launch.eager : 0)
    let seconds = estimate.seconds + overhead
    return .predicted(
      measured: measured, predicted: seconds * 1e6, group: group,
      note: ([estimate.path, estimate.choice] + choice.notes).joined(separator: "; "))
  }
}

/// The number formats of a product by the names measurement tables use.
struct GEMMPrecision: Sendable, Hashable {
  var activation: ElementType
  var weight: ElementType
  var output: ElementType
  var isBlockScaled = false
  var isDynamic = false

  init?(_ name: String) {
    switch name {
    case "bf16": (activation, weight, output) = (.bfloat16, .bfloat16, .bfloat16)
    case "fp16", "f16", "fp16-acc32": (activation, weight, output) = (.float16, .float16, .float16)
    case "fp32", "f32": (activation, weight, output) = (.float32, .float32, .float32)
    case "tf32": (activation, weight, output) = (.tfloat32, .tfloat32, .float32)
    case "fp8":
      (activation, weight, output) = (.float8e4m3, .float8e4m3, .bfloat16)
      isDynamic = true
    case "fp8-block":
      (activation, weight, output) = (.float8e4m3, .float8e4m3, .bfloat16)
      isBlockScaled = true
      isDynamic = true
    case "w8a8-int8", "int8": (activation, weight, output) = (.int8, .int8, .bfloat16)
    case "w8a16": (activation, weight, output) = (.bfloat16, .int8, .bfloat16)
    case "w4a16": (activation, weight, output) = (.bfloat16, .int4, .bfloat16)
    case "nvfp4", "fp4":
      (activation, weight, output) = (.float4e2m1, .float4e2m1, .bfloat16)
      isBlockScaled = true
      isDynamic = true
    default: return nil
    }
  }

  func shape(batch: Int, m: Int, n: Int, k: Int) -> GEMMShape {
    GEMMShape(
      batch: batch, m: m, n: n, k: k, activation: activation, weight: weight, output: output,
      isBlockScaled: isBlockScaled, isDynamic: isDynamic)
  }
}

extension GEMMEstimate {
  /// The chosen kernel: `128×256, step 128 B, 3 stages, split-K 4`.
  package var choice: String {
    guard let tile else { return "matrix-vector kernel" }
    let parts = [
      "\(tile.m)×\(tile.n)", "step \(tile.stepBytes) B", "\(tile.stages) stages",
      tile.cluster > 1 ? "cluster \(tile.cluster)" : "",
      split > 1 ? "split-K \(split)" : "",
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
