/// Cycles of one layer in which the array stands still, by what it waits for.
struct StallLog {
  private var weights = 0
  private var inputs = 0
  private var streams: [Int: Int] = [:]
  private var outputs = 0

  /// The array waits for a tile's operands.
  mutating func wait(_ cycles: Int, forWeights: Bool) {
    if forWeights { weights += cycles } else { inputs += cycles }
  }

  /// A tile is worked on but not all of its bytes have passed the memory.
  mutating func overrun(_ cycles: Int, on memory: Int) { streams[memory, default: 0] += cycles }

  /// The last outputs leave after the last tile.
  mutating func tail(_ cycles: Int) { outputs += cycles }

  /// Gives every cycle of the layer a cause.
  func settle(_ job: TileJob, _ machine: NPUDescription, _ timing: inout LayerTiming) {
    func add(_ cause: LayerTiming.Cause, _ cycles: Int) {
      if cycles > 0 { timing.causes[cause, default: 0] += cycles }
    }
    add(.launch, job.launch)
    add(.fallback, job.host)
    add(.streaming, job.cost.streaming)
    add(.fillDrain, job.cost.fillDrain)
    add(.weightLoad, job.cost.weightLoad)
    add(.outputStage, job.cost.outputStage)
    add(.dependency, job.vectorTail)
    add(.weightTransfer, weights)
    add(.inputTransfer, inputs)
    add(.outputTransfer, outputs)
    for (memory, cycles) in streams.sorted(by: { $0.key < $1.key }) {
      let transfer = job.transfers[memory]
      if memory == machine.placement.near {
        let conflicts = min(cycles, machine.memories[memory].cycles(for: transfer.conflicts))
        add(.bankConflict, conflicts)
        add(.memoryBandwidth, cycles - conflicts)
      } else if transfer.streamedWeights >= max(transfer.streamedInputs, transfer.streamedOutputs) {
        add(.weightTransfer, cycles)
      } else {
        add(transfer.streamedOutputs > transfer.streamedInputs ? .outputTransfer : .inputTransfer, cycles)
      }
    }
    let work = job.cost.cycles + job.vectorTail + job.launch + job.host
    timing.bindingMemory = timing.busy.indices.max { timing.busy[$0] < timing.busy[$1] }
    if let memory = timing.bindingMemory, timing.busy[memory] - (memory == machine.placement.weights ? timing.early : 0) <= work {
      timing.bindingMemory = nil
    }
  }
}
