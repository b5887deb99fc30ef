internal import Basic
internal import Engine
package import Lowering
internal import Results

/// The inputs of one run as frames that a pipeline takes one after another.
package struct Batch: Sendable {
  /// Kernels of one frame.
  package var frame: [Kernel]
  package var frames: Int
  package var inputsPerFrame: Int
  /// A kernel that needs all inputs at once, so that they are one frame.
  package var joinedBy: String?

  /// - Parameter inputs: the inputs that `kernels` work on together.
  package init(_ kernels: [Kernel], inputs: Int) {
    (frame, frames, inputsPerFrame) = (kernels, 1, max(1, inputs))
    guard inputs > 1 else { return }
    var parts: [Kernel] = []
    for kernel in kernels {
      guard let part = kernel.frame(of: inputs) else {
        joinedBy = kernel.name
        return
      }
      parts.append(part)
    }
    (frame, frames, inputsPerFrame) = (parts, inputs, 1)
  }

  /// What the latency of the run means; nil for a single input.
  func note(firstSeconds: Double) -> Assumption? {
    if let joinedBy {
      return Assumption(
        what: "the batch of \(inputsPerFrame) passes as one frame: '\(joinedBy)' needs its inputs together", basis: .derived,
        source: "the work of that kernel does not fall into equal parts")
    }
    guard frames > 1 else { return nil }
    return Assumption(
      what: "the batch of \(frames) passes as frames one after another; the first is complete after \(Format.seconds(firstSeconds))",
      basis: .derived, source: "stages are built for one input")
  }
}

/// When frames leave a pipeline.
struct Pace {
  /// Cycles after which the frames that were simulated are complete, counted from the entry of the first.
  private let finished: [Int]
  /// Cycles between frames: what the last frames showed, and never less than the slowest stage needs.
  let interval: Int

  init(_ pipeline: PipelineEstimate, _ run: DataflowRun, transfer: Transfer) {
    switch transfer {
    case .parallel: (finished, interval) = ([pipeline.reportedLatency], pipeline.reportedInterval)
    case .stream:
      let entry = run.started.first ?? 0
      finished = run.finished.map { $0 - entry }
      interval = max(run.interval, pipeline.layers[pipeline.network.bottleneck].stage.cyclesPerFrame)
    }
  }

  /// Cycles until the last of `frames` frames is complete.
  func cycles(frames: Int) -> Int {
    guard !finished.isEmpty else { return 0 }
    let seen = min(frames, finished.count)
    return finished[seen - 1] + (frames - seen) * interval
  }
}
