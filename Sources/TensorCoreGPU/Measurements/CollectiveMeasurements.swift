package import Basic
package import Hardware
package import Lowering

/// Collectives of several GPUs: `gpu,op,dtype,num_gpus,elements,latency_us`; `elements` of the whole tensor.
package struct CollectiveMeasurements: MeasurementSchema {
  package let name = "gpu-collectives"
  package let requiredColumns = ["gpu", "op", "dtype", "num_gpus", "elements", "latency_us"]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    guard let software = try GPUDescription(target).collectives else {
      throw Failure("target '\(target.name)' does not describe links between GPUs", at: target.root.location)
    }
    return CollectiveRowPredictor(target: target.name, model: CollectiveModel(software))
  }
}

private struct CollectiveRowPredictor: RowPredictor {
  let target: String
  let model: CollectiveModel

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let operation = String(row["op"])
    let group = MeasurementGroup(target: target, format: String(row["dtype"]), operation: operation)
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    guard let ranks = row.extent("num_gpus", upTo: 1 << 16), let elements = row.positive("elements"),
      elements <= Double(MeasurementRow.productLimit)
    else { return .skipped(why: "num_gpus or elements is not a positive number, or above 2^16 or 2^48", group: group) }
    guard let collective = Collective(rawValue: operation), let bytes = Self.bytes(row["dtype"]) else {
      return .skipped(why: "unknown op '\(operation)' or dtype '\(row["dtype"])'", group: group)
    }
    let estimate = model.estimate(collective, bytes: elements * bytes, ranks: ranks)
    return .predicted(
      measured: measured, predicted: estimate.seconds * 1e6, group: group,
      note: "\(estimate.choice); \(estimate.reason)")
  }

  private static func bytes(_ format: Substring) -> Double? {
    switch format {
    case "int8", "fp8": 1
    case "half", "fp16", "bf16": 2
    case "float", "fp32": 4
    default: nil
    }
  }
}
