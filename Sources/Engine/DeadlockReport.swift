/// A cycle of stages that wait for each other, and what would free it.
package struct DeadlockReport: Sendable, Equatable {
  /// The FIFOs of the cycle in the order of waiting, with the reason the next stage cannot go on.
  package var cycle: [Link]
  /// The FIFO to deepen and the smallest depth with which frames complete; nil when no depth does.
  package var remedy: Remedy?

  package struct Link: Sendable, Equatable {
    package var fifo: Int
    package var name: String
    package var isFull: Bool
  }

  package struct Remedy: Sendable, Equatable {
    package var fifo: Int
    package var name: String
    package var depth: Int
  }

  /// `a (full) <- b (empty) <- …`
  package var text: String {
    cycle.map { "\($0.name) (\($0.isFull ? "full" : "empty"))" }.joined(separator: " <- ")
  }
}

extension DataflowNetwork {
  /// Runs `frames` frames and explains a deadlock if there is one.
  package func run(frames: Int) throws(DataflowNetworkError) -> Result<DataflowRun, DeadlockFailure> {
    var simulation = try DataflowSimulation(self, frames: frames)
    switch simulation.run() {
    case .completed(let run): return .success(run)
    case .deadlocked(let blocked):
      let links = waitCycle(blocked)
      return .failure(DeadlockFailure(report: DeadlockReport(cycle: links, remedy: try remedy(links, frames: frames))))
    }
  }

  /// Follows "waits for" from stage to stage until one repeats.
  private func waitCycle(_ blocked: [Int: StageBlock]) -> [DeadlockReport.Link] {
    guard var stage = blocked.keys.min() else { return [] }
    var order: [Int] = []
    var links: [DeadlockReport.Link] = []
    while let block = blocked[stage] {
      if let first = order.firstIndex(of: stage) { return Array(links[first...]) }
      order.append(stage)
      switch block {
      case .emptyInput(let fifo):
        links.append(.init(fifo: fifo, name: fifos[fifo].name, isFull: false))
        stage = fifos[fifo].producer
      case .fullOutput(let fifo):
        links.append(.init(fifo: fifo, name: fifos[fifo].name, isFull: true))
        stage = fifos[fifo].consumer
      }
    }
    return links
  }

  /// The smallest depth of one full FIFO of the cycle that lets the frames complete: as the network stands or, where other
  /// cycles stop it too, with every FIFO outside this cycle deep enough.
  private func remedy(
    _ links: [DeadlockReport.Link], frames: Int
  ) throws(DataflowNetworkError) -> DeadlockReport.Remedy? {
    if let found = try deepened(links, frames: frames) { return found }
    var roomy = self
    let cycle = Set(links.map(\.fifo))
    for index in fifos.indices where !cycle.contains(index) {
      roomy.fifos[index].depth = stages[fifos[index].producer].writesPerFrame * max(1, frames)
    }
    return try roomy.deepened(links, frames: frames)
  }

  /// Tries the full FIFOs of the cycle one by one.
  private func deepened(
    _ links: [DeadlockReport.Link], frames: Int
  ) throws(DataflowNetworkError) -> DeadlockReport.Remedy? {
    for link in links where link.isFull {
      var low = fifos[link.fifo].depth
      var high = stages[fifos[link.fifo].producer].writesPerFrame * max(1, frames)
      guard try completes(link.fifo, depth: high, frames: frames) else { continue }
      while high - low > 1 {
        let middle = low + (high - low) / 2
        if try completes(link.fifo, depth: middle, frames: frames) { high = middle } else { low = middle }
      }
      return DeadlockReport.Remedy(fifo: link.fifo, name: link.name, depth: high)
    }
    return nil
  }

  private func completes(_ fifo: Int, depth: Int, frames: Int) throws(DataflowNetworkError) -> Bool {
    var trial = self
    trial.fifos[fifo].depth = depth
    var simulation = try DataflowSimulation(trial, frames: frames)
    if case .completed = simulation.run() { return true }
    return false
  }
}

/// The error side of a run: the pipeline stops for ever.
package struct DeadlockFailure: Error, Sendable, Equatable {
  package var report: DeadlockReport

  package init(report: DeadlockReport) { self.report = report }
}

extension DeadlockFailure {
  /// A run that could not even start.
  package static let unknown = DeadlockFailure(report: DeadlockReport(cycle: [], remedy: nil))
}
