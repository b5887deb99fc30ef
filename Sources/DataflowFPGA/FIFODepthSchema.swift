package import Basic
package import Hardware
package import Lowering

/// Latencies of published dataflow designs with deep and with shallow FIFOs.
///
/// The tables give no structure (stages and streams) of the designs, so that their rows can only be counted; designs with
/// a structure are checked by running them (`DataflowNetwork`).
package struct FIFODepthSchema: MeasurementSchema {
  package init() {}

  package var name: String { "fpga-fifo-depth" }
  package var requiredColumns: [String] {
    ["case", "latency_max_fifo", "latency_min_fifo_depth2", "deadlock_min_fifo"]
  }
  package var measuredColumn: String { "latency_max_fifo" }

  package func device(of row: MeasurementRow) -> String { "" }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor { FIFODepthPredictor() }
}

struct FIFODepthPredictor: RowPredictor {
  func predict(_ row: MeasurementRow) -> RowOutcome {
    .skipped(
      why: "the table does not give the stages and streams of '\(row["case"])'",
      group: MeasurementGroup(target: "dataflow", format: "cosim", operation: "fifo depth"))
  }
}
