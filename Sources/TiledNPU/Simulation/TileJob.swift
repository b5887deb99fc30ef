/// One layer cut into the jobs an event simulation schedules.
struct TileJob {
  /// Bytes by memory.
  typealias Bytes = [(memory: Int, bytes: Int)]

  let layer: Int
  let count: Int
  let launch: Int
  let host: Int
  /// Weight tiles that may be fetched beyond those in use.
  let weightSlots: Int
  let inputSlots: Int
  private let compute: Int
  private let transfers: [Layer.Transfer]
  private let weights: Int

  init(_ layer: Layer, number: Int, machine: NPUDescription, limit: Int) {
    self.layer = number
    count = max(1, min(layer.tiles, limit))
    launch = layer.launch
    host = layer.hostCycles
    compute = layer.compute.cycles + layer.vectorTail
    transfers = layer.transfers
    weights = machine.placement.weights
    let tile = max(1, transfers[weights].prefetch / count)
    let buffers = machine.policy.isDoubleBuffered ? 2 : 1
    weightSlots = machine.policy.isDoubleBuffered ? max(buffers, layer.prefetchLimit / tile) : 1
    inputSlots = buffers
  }

  /// Cycles of tile `index`; all tiles together take exactly the layer's.
  func computeCycles(_ index: Int) -> Int { share(compute, index) }

  func weightBytes(_ index: Int) -> Int {
    let transfer = transfers[weights]
    return split(transfer.prefetch, first: transfer.firstPrefetch, index)
  }

  func inputs(_ index: Int) -> Bytes {
    bytes { split($0.load, first: $0.firstLoad, index) }
  }

  func streams(_ index: Int) -> Bytes { bytes { share($0.stream, index) } }

  func stores(_ index: Int) -> Bytes {
    bytes { split($0.store, first: $0.lastStore, count - 1 - index) }
  }

  private func bytes(_ part: (Layer.Transfer) -> Int) -> Bytes {
    transfers.enumerated().compactMap { memory, transfer in
      let bytes = part(transfer)
      return bytes > 0 ? (memory, bytes) : nil
    }
  }

  /// Part `index` of `total`, such that the parts add up.
  private func share(_ total: Int, _ index: Int) -> Int { total * (index + 1) / count - total * index / count }

  /// `first` for the first tile, the rest in equal parts.
  private func split(_ total: Int, first: Int, _ index: Int) -> Int {
    guard count > 1 else { return total }
    let head = min(first, total)
    guard index > 0 else { return head }
    let rest = total - head
    return rest * index / (count - 1) - rest * (index - 1) / (count - 1)
  }
}
