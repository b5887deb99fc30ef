/// The closed form of the layer-by-layer schedule with double-buffered tiles and weights fetched ahead.
///
/// A layer of compute `C` (array and vector tail) in `n` tiles takes
///
/// `max( wait + C + last store, max over memories of max(all bytes / bandwidth, awaited bytes / bandwidth + C/n) − early )`
///
/// where `wait` is what the first tile's weights and inputs need beyond the cycles in which their memory was idle under
/// the layer before, `early` is what came in those cycles, and `C/n` is the last tile, whose operands come last.
package struct FastSchedule {
  let machine: NPUDescription

  package init(_ machine: NPUDescription) { self.machine = machine }

  package func run(_ layers: [Layer]) -> [LayerTiming] {
    var timings: [LayerTiming] = []
    var now = 0
    var idle = Array(repeating: 0, count: machine.memories.count)
    for layer in layers {
      let timing = timing(of: layer, at: now, idleBefore: idle)
      timings.append(timing)
      guard layer.place != .view else { continue }
      now = timing.end
      for memory in idle.indices {
        idle[memory] = max(0, timing.cycles - timing.busy[memory] + (memory == machine.placement.weights ? timing.early : 0))
      }
    }
    return timings
  }

  func timing(of layer: Layer, at start: Int, idleBefore idle: [Int]) -> LayerTiming {
    var timing = LayerTiming(
      start: start, end: start, work: start..<start, busy: layer.transfers.enumerated().map { machine.memories[$0].cycles(for: $1.total) },
      early: 0, causes: [:])
    guard layer.place != .view else { return timing }
    let weights = machine.placement.weights
    let ahead = machine.policy.isDoubleBuffered ? idle[weights] : 0
    let early = min(layer.transfers[weights].prefetch, layer.prefetchLimit)
    timing.early = min(ahead, machine.memories[weights].cycles(for: early))
    let (wait, waitsForWeights) = firstWait(layer, ahead: ahead)
    let compute = layer.compute.cycles + layer.vectorTail
    let lastStore = layer.transfers.enumerated().reduce(0) { max($0, machine.memories[$1.offset].cycles(for: $1.element.lastStore)) }
    let chain = wait + compute + lastStore
    var total = chain
    for (memory, transfer) in layer.transfers.enumerated() where transfer.total > 0 {
      let early = memory == weights ? timing.early : 0
      // The last tile works after its own operands, but not after everything else the memory still moves.
      let awaited = layer.tiles > 1 ? machine.memories[memory].cycles(for: transfer.prefetch + transfer.load) : 0
      let last = awaited > 0 ? awaited - early + compute / layer.tiles : 0
      let bound = max(timing.busy[memory] - early, last)
      if bound > total {
        total = bound
        timing.bindingMemory = memory
      }
    }
    let extra = layer.launch + layer.hostCycles
    timing.end = start + total + extra
    timing.work = (start + layer.launch + wait)..<(start + layer.launch + wait + max(compute, layer.hostCycles))
    attribute(layer, wait: wait, waitsForWeights, lastStore: lastStore, beyond: total - chain, to: &timing)
    return timing
  }

  /// Cycles until the first tile has what it needs, and whether weights are what it waits for longest.
  private func firstWait(_ layer: Layer, ahead: Int) -> (cycles: Int, forWeights: Bool) {
    var longest = 0
    var forWeights = false
    for (memory, transfer) in layer.transfers.enumerated() where transfer.firstPrefetch + transfer.firstLoad > 0 {
      let level = machine.memories[memory]
      let own = memory == machine.placement.weights ? ahead : 0
      let first = transfer.firstPrefetch > 0 ? max(0, level.readLatency + level.cycles(for: transfer.firstPrefetch) - own) : 0
      let inputs = transfer.firstLoad > 0 ? level.cycles(for: transfer.firstLoad) + (first == 0 ? level.readLatency : 0) : 0
      if first + inputs > longest {
        longest = first + inputs
        forWeights = first > inputs
      }
    }
    return (longest, forWeights)
  }

  private func attribute(
    _ layer: Layer, wait: Int, _ waitsForWeights: Bool, lastStore: Int, beyond: Int, to timing: inout LayerTiming
  ) {
    func add(_ cause: LayerTiming.Cause, _ cycles: Int) { if cycles > 0 { timing.causes[cause, default: 0] += cycles } }
    add(.streaming, layer.compute.streaming)
    add(.fillDrain, layer.compute.fillDrain)
    add(.weightLoad, layer.compute.weightLoad)
    add(.outputStage, layer.compute.outputStage)
    add(.dependency, layer.vectorTail)
    add(waitsForWeights ? .weightTransfer : .inputTransfer, wait)
    add(.outputTransfer, lastStore)
    add(.launch, layer.launch)
    add(.fallback, layer.hostCycles)
    guard beyond > 0, let memory = timing.bindingMemory else { return }
    let transfer = layer.transfers[memory]
    let isNear = memory == machine.placement.near
    if isNear {
      add(.memoryBandwidth, beyond)
    } else if memory == machine.placement.weights, transfer.prefetch + transfer.stream >= transfer.load + transfer.store {
      add(.weightTransfer, beyond)
    } else {
      add(transfer.store > transfer.load + transfer.stream ? .outputTransfer : .inputTransfer, beyond)
    }
  }
}
