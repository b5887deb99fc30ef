package import Basic
package import Hardware
package import Lowering

/// Fused attention: `gpu,dtype,kv_dtype,phase,causal,batch,q_len,kv_len,heads,kv_heads,head_dim,window,latency_us,lib`.
package struct AttentionMeasurements: MeasurementSchema {
  package let name = "gpu-attention"
  package let requiredColumns = [
    "gpu", "dtype", "phase", "causal", "batch", "q_len", "kv_len", "heads", "kv_heads", "head_dim", "latency_us",
  ]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    let gpu = try GPUDescription(target)
    guard let software = gpu.streaming, !gpu.attention.isEmpty else {
      throw Failure("target '\(target.name)' does not describe attention kernels", at: target.root.location)
    }
    return AttentionRowPredictor(target: target.name, models: gpu.attention.map { AttentionModel(gpu, software, $0) })
  }
}

private struct AttentionRowPredictor: RowPredictor {
  let target: String
  let models: [AttentionModel]

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let phase = String(row["phase"])
    let format = [row["dtype"], row["kv_dtype"]].filter { !$0.isEmpty }.joined(separator: "/")
    let group = MeasurementGroup(target: target, format: format, operation: "attention \(phase)")
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    guard let shape = AttentionShape(row) else {
      return .skipped(
        why: "an extent is not a positive whole number up to 2^24, a tensor is above 2^48, or the dtype is unknown", group: group)
    }
    let library = String(row["lib"])
    guard let model = models.first(where: { library.hasPrefix($0.library.name) }) ?? models.first else {
      return .skipped(why: "no attention library", group: group)
    }
    let isDecode = phase == "decode" || (shape.queries == 1 && model.library.prefill.leavesSingleQueries)
    let aliases = isDecode && Campaign.aliasedCaches.contains(library)
    guard let estimate = model.estimate(shape, isDecode: isDecode, sharesStorage: aliases) else {
      return .skipped(
        why: "\(model.library.name) has no kernel for head dimension \(shape.headDimension)", group: group)
    }
    return .predicted(
      measured: measured, predicted: estimate.seconds * 1e6, group: group,
      note: "\(estimate.choice); \(estimate.reason)")
  }
}

extension AttentionShape {
  fileprivate init?(_ row: MeasurementRow) {
    guard let batch = row.extent("batch"), let queries = row.extent("q_len"), let keys = row.extent("kv_len"),
      let heads = row.extent("heads"), let keyHeads = row.extent("kv_heads"), let dimension = row.extent("head_dim"),
      MeasurementRow.product([batch, heads, max(queries, keys), dimension]) != nil, heads % keyHeads == 0,
      let bits = Self.bits(row["dtype"])
    else { return nil }
    let window = row.extent("window") ?? 0
    let keyBits = row["kv_dtype"].isEmpty ? bits : Self.bits(row["kv_dtype"]) ?? bits
    self.init(
      batch: batch, heads: heads, keyHeads: keyHeads, queries: queries, keys: keys, headDimension: dimension,
      isCausal: row["causal"] == "1" && row["phase"] != "encoder", window: window > 0 ? window : nil, queryBits: 16,
      keyBits: keyBits, outputBits: bits)
  }

  private static func bits(_ format: Substring) -> Int? {
    switch format {
    case "fp8", "int8": 8
    case "bf16", "fp16", "f16": 16
    case "fp32", "f32": 32
    default: nil
    }
  }
}
