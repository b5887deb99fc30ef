package import Basic
package import Hardware
package import Lowering

/// Mixture-of-experts layers: `gpu,dtype,tokens,hidden,inter,topk,experts,tp,ep,distribution,latency_us`; `gated` (1 or 0) says whether experts have a gate.
package struct MixtureMeasurements: MeasurementSchema {
  package let name = "gpu-moe"
  package let requiredColumns = [
    "gpu", "dtype", "tokens", "hidden", "inter", "topk", "experts", "tp", "ep", "distribution", "latency_us",
  ]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    let gpu = try GPUDescription(target)
    guard let streaming = gpu.streaming, let mixture = gpu.mixture else {
      throw Failure("target '\(target.name)' does not describe mixture-of-experts kernels", at: target.root.location)
    }
    return MixtureRowPredictor(
      target: target.name,
      model: MixtureModel(device: DeviceRates(gpu, streaming), software: mixture, feelsPower: Campaign.mixturesFeelPower))
  }
}

private struct MixtureRowPredictor: RowPredictor {
  let target: String
  let model: MixtureModel

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let format = String(row["dtype"])
    let group = MeasurementGroup(target: target, format: format, operation: "moe")
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    guard let shape = MixtureShape(row) else {
      return .skipped(why: "an extent, the dtype, the distribution or gated is not understood", group: group)
    }
    let estimate = model.estimate(shape)
    return .predicted(measured: measured, predicted: estimate.seconds * 1e6, group: group, note: estimate.reason)
  }
}

extension MixtureShape {
  fileprivate init?(_ row: MeasurementRow) {
    let names = ["tokens", "hidden", "inter", "topk", "experts", "tp", "ep"]
    let values = names.compactMap { row.integer($0) }
    guard values.count == names.count, values.allSatisfy({ (1...1 << 22).contains($0) }), values[4] <= 1 << 14,
      values[3] <= values[4], let distribution = ExpertLoads.Distribution(row["distribution"])
    else { return nil }
    let (hidden, inner, choices) = (values[1], values[2], values[3])
    let weightBits: Double
    let activationBits: Int
    switch row["dtype"] {
    case "bf16", "fp16": (weightBits, activationBits) = (16, 16)
    case "fp8", "fp8-block": (weightBits, activationBits) = (8, 8)
    // 4-bit values with an 8-bit scale for every 32.
    case "w4a16_mxfp4": (weightBits, activationBits) = (4.25, 16)
    default: return nil
    }
    let isGated: Bool
    switch row["gated"] {
    case "1": isGated = true
    case "0": isGated = false
    case "": isGated = !MeasuredModel.isUngated(hidden: hidden, inner: inner, choices: choices)
    default: return nil
    }
    self.init(
      hidden: hidden, inner: max(1, inner / values[5]), isGated: isGated,
      routing: Routing(
        tokens: values[0], choices: choices, experts: values[4], ranks: values[6], distribution: distribution),
      weightBits: weightBits, activationBits: activationBits, isBlockScaled: row["dtype"] == "fp8-block")
  }
}

extension ExpertLoads.Distribution {
  /// `balanced`, `uniform` or `power_law_1.2`.
  fileprivate init?(_ name: Substring) {
    if name == "balanced" || name == "uniform" {
      self = .balanced
    } else if name.hasPrefix("power_law_"), let exponent = Double(name.dropFirst(10)), (0...8).contains(exponent) {
      self = .powerLaw(exponent)
    } else {
      return nil
    }
  }
}
