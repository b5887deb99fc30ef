/// One kernel as the machine carries it out: cycles on the array and bytes on every memory.
package struct Layer: Sendable {
  /// Where the work is done.
  package enum Place: String, Sendable, Hashable {
    case array, vector, host
    /// Nothing moves and nothing is computed.
    case view
  }

  /// Bytes on one memory, split by when they move.
  package struct Transfer: Sendable, Hashable {
    /// Weights: may come while the layer before still runs.
    package var prefetch = 0
    /// Inputs that tiles wait for.
    package var load = 0
    /// What flows while the array works: operands it reads, and results it writes.
    package var streamedWeights = 0
    package var streamedInputs = 0
    package var streamedOutputs = 0
    /// What transfer engines write into this memory while the array works, and read from it on the way to another.
    package var filled = 0
    package var drained = 0
    /// Slots lost where the array and a transfer engine want the same bank, in bytes.
    package var conflicts = 0
    /// Bytes that could pass in the time that the slowest kind of transfer takes for what it has in flight.
    package var channelBytes = 0
    /// Results.
    package var store = 0
    /// What the first tile needs of `prefetch` and `load`, and what the last tile leaves of `store`.
    package var firstPrefetch = 0
    package var firstLoad = 0
    package var lastStore = 0

    /// What the array reads and writes while it works.
    package var worked: Int { streamedWeights + streamedInputs + streamedOutputs }
    /// Bytes that pass the port while the array works, lost slots included, or as many as pass in the time that the
    /// slowest kind of transfer takes.
    package var stream: Int { max(worked + filled + drained + conflicts, channelBytes) }
    /// Bytes that pass the port, lost slots included.
    package var total: Int { prefetch + load + stream + store }
    package var read: Int { prefetch + load + streamedWeights + streamedInputs + drained }
    package var written: Int { store + streamedOutputs + filled }
  }

  package var place: Place
  package var compute: ArrayCost
  /// Cycles of the vector engine that follow the array and do not overlap it.
  package var vectorTail: Int
  /// By memory index.
  package var transfers: [Transfer]
  package var tiles: Int
  /// Bytes of weights that may wait beside the array before the layer starts.
  package var prefetchLimit: Int
  package var launch: Int
  package var hostCycles: Int
  package var macs: Int
  /// Cycles the whole array needs for the multiply-adds of their formats, no cell ever idle; none on the host.
  package var arithmeticCycles: Double
  package var choice: String
  package var format: String
  /// Bytes of tiles and staged weights in the near memory while the layer runs.
  package var heldBytes: Int
  /// Bytes the layer has to move whatever the schedule, by memory index.
  package var compulsory: [Int]
  /// The part of `compulsory` that another placement could move through another memory, or keep from run to run.
  package var movable: [Int]
  package var note: String

  package init(place: Place, memories: Int) {
    self.place = place
    compute = .zero
    vectorTail = 0
    transfers = Array(repeating: Transfer(), count: memories)
    tiles = 1
    prefetchLimit = 0
    launch = 0
    hostCycles = 0
    macs = 0
    arithmeticCycles = 0
    choice = ""
    format = ""
    heldBytes = 0
    compulsory = Array(repeating: 0, count: memories)
    movable = compulsory
    note = ""
  }
}
