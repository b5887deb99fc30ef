package import Basic
package import IR

/// What every stage may use.
package struct CompressionContext: Sendable {
  /// Unlabelled inputs; nil when the recipe names none.
  package var calibration: SampleSet?
  /// Samples run at once.
  package var batch = 32
  /// What the target executes and fuses.
  package var capabilities: Capabilities
  /// Asked for predictions; nil when the recipe names no target.
  package var latency: (any LatencyOracle)?
  package var seed: UInt64 = 0
  /// Batches run one after the other, each on all cores.
  package var runner: any GraphRunner = EvaluatorRunner(threads: nil)
  /// Told what is being worked on and the share that is done, 0…1.
  package var progress: @Sendable (String, Double) -> Void = { _, _ in }

  package init(calibration: SampleSet? = nil, capabilities: Capabilities = Capabilities()) {
    self.calibration = calibration
    self.capabilities = capabilities
  }

  /// Calibration inputs in batches, each aligned with the inputs of the graph.
  package func calibrationBatches(for graph: Graph) throws(Failure) -> [[Datum?]] {
    guard let calibration else {
      throw Failure("this needs calibration data", fix: "give --calibration or the recipe's key calibration.data")
    }
    return try calibration.batches(of: batch, for: graph)
  }
}
