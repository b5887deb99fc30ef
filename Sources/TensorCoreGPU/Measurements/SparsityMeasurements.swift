package import Basic
package import Hardware
internal import IR
package import Lowering

/// Dense against 2:4 products: `m` tokens, weights `n` × `k`, `dense_us`, `sparse_us` and their quotient `speedup`.
package struct SparsityMeasurements: MeasurementSchema {
  package let name = "gpu-sparsity"
  package let requiredColumns = ["gpu", "dtype", "m", "n", "k", "dense_us", "sparse_us", "speedup"]
  package let measuredColumn = "speedup"

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
    return SparsityRowPredictor(target: target.name, model: GEMMModel(try GPUDescription(target), fidelity: fidelity))
  }
}

private struct SparsityRowPredictor: RowPredictor {
  let target: String
  let model: GEMMModel

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let format = String(row["dtype"])
    let group = MeasurementGroup(target: target, format: format, operation: "2:4 speed-up")
    guard let measured = row.positive("speedup") else { return .skipped(why: "speedup is not a positive number", group: group) }
    guard let m = row.extent("m"), let n = row.extent("n"), let k = row.extent("k"), MeasurementRow.product([m, n, k]) != nil else {
      return .skipped(why: "m, n or k is not a positive whole number up to 2^24, or m·n·k is above 2^48", group: group)
    }
    guard let precision = GEMMPrecision(format) else { return .skipped(why: "unknown dtype '\(format)'", group: group) }
    // Benchmarks repeat one product: its own operands are all that pass the L2 between two uses.
    var shape = precision.shape(batch: 1, m: m, n: n, k: k)
    shape.weightReuseBytes = 0
    guard let dense = model.choosePath(for: shape) else {
      return .skipped(why: "\(target) cannot multiply \(format)", group: group)
    }
    shape.isSparse = true
    let library = String(row["lib"].prefix { $0.isLetter })
    let known = model.gpu.gemm.sparse.first { $0.name == library }
    guard let sparse = model.choosePath(for: shape, library: known?.name), sparse.shape.isSparse else {
      return .skipped(why: "\(target) has no 2:4 instruction for \(format)", group: group)
    }
    let before = model.estimate(dense.shape, on: dense.path)
    let after = model.estimate(sparse.shape, on: sparse.path)
    return .predicted(
      measured: measured, predicted: before.seconds / after.seconds, group: group,
      note:
        "dense \(before.choice), \(before.limit.rawValue); sparse \(after.path), \(after.choice), \(after.limit.rawValue)"
    )
  }
}
