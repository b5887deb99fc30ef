/// Smallest FIFO depths that cost no throughput.
package struct FIFOSizing: Sendable, Equatable {
  /// Depth per FIFO, in the order of the network.
  package var depths: [Int]
  /// Latency of the first frame and the steady interval with these depths, in cycles.
  package var firstLatency: Int
  package var interval: Int
  /// Cycles allowed on top of the unconstrained first latency and interval, as a fraction.
  package var tolerance: Double
}

extension DataflowNetwork {
  /// Finds, FIFO by FIFO, the least depth that keeps the latency and interval of FIFOs that never fill.
  ///
  /// Deeper FIFOs are never slower (the recurrence of ``DataflowSimulation`` is monotone in every depth), so a
  /// bisection per FIFO is exact. The start is the occupancy seen with FIFOs of two frames (what hls4ml's FIFO
  /// optimiser records in a simulation), which is then reduced.
  package func sized(tolerance: Double = 0) throws(DataflowNetworkError) -> FIFOSizing {
    let frames = 3
    var trial = self
    for index in fifos.indices {
      trial.fifos[index].depth = max(2, 2 * stages[fifos[index].producer].writesPerFrame)
    }
    guard let free = try trial.outcome(frames: frames) else {
      return FIFOSizing(depths: fifos.map(\.depth), firstLatency: 0, interval: 0, tolerance: tolerance)
    }
    let latencyGoal = Int(Double(free.firstLatency) * (1 + tolerance))
    let intervalGoal = Int(Double(free.interval) * (1 + tolerance))
    var best = free
    for index in fifos.indices {
      trial.fifos[index].depth = min(trial.fifos[index].depth, max(1, free.peakOccupancy[index]))
    }
    for index in largestFirst(trial.fifos) {
      var low = 0
      var high = trial.fifos[index].depth
      while high - low > 1 {
        let middle = low + (high - low) / 2
        var candidate = trial
        candidate.fifos[index].depth = middle
        if let run = try candidate.outcome(frames: frames),
          run.firstLatency <= latencyGoal, run.interval <= intervalGoal
        {
          high = middle
          best = run
        } else {
          low = middle
        }
      }
      trial.fifos[index].depth = high
    }
    return FIFOSizing(
      depths: trial.fifos.map(\.depth), firstLatency: best.firstLatency, interval: best.interval,
      tolerance: tolerance)
  }

  /// FIFOs as deep as one simulated frame fills them (what hls4ml's FIFO optimiser records), unless that costs throughput;
  /// then as deep as two frames fill them. With them, what three frames showed.
  package func sizedByOccupancy() throws(DataflowNetworkError) -> (network: DataflowNetwork, run: DataflowRun?) {
    let frames = 3
    var free = self
    for index in fifos.indices { free.fifos[index].depth = max(2, 2 * stages[fifos[index].producer].writesPerFrame) }
    var simulation = try DataflowSimulation(free, frames: frames)
    guard case .completed(let goal) = simulation.run() else { return (self, nil) }
    for count in 1...2 {
      var trial = free
      for (index, peak) in simulation.peakOccupancy(ofFirst: count).enumerated() { trial.fifos[index].depth = max(2, peak) }
      if let reached = try trial.outcome(frames: frames), reached.firstLatency <= goal.firstLatency,
        reached.interval <= goal.interval
      {
        return (trial, reached)
      }
    }
    return (free, goal)
  }

  private func largestFirst(_ fifos: [DataflowFIFO]) -> [Int] {
    fifos.indices.sorted {
      let left = fifos[$0].depth * fifos[$0].width * fifos[$0].lanes
      let right = fifos[$1].depth * fifos[$1].width * fifos[$1].lanes
      return left == right ? $0 < $1 : left > right
    }
  }

  private func outcome(frames: Int) throws(DataflowNetworkError) -> DataflowRun? {
    var simulation = try DataflowSimulation(self, frames: frames)
    if case .completed(let run) = simulation.run() { return run }
    return nil
  }
}
