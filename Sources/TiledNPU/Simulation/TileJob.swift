/// One layer cut into the tiles that a schedule moves and computes.
struct TileJob {
  /// Bytes by memory.
  typealias Bytes = [(memory: Int, bytes: Int)]

  /// Most tiles of a layer that are scheduled one by one; more are merged into equal parts.
  static let limit = 128

  let count: Int
  let launch: Int
  let host: Int
  /// Tiles whose operands can be beside the array at once.
  let depth: Int
  /// Bytes of weights that may come while the layer before still runs.
  let prefetchableBytes: Int
  /// All the layer's weights have a place beside the array from the start: idle cycles may bring them before their tile's turn.
  let holdsAllWeights: Bool
  let cost: ArrayCost
  let vectorTail: Int
  let transfers: [Layer.Transfer]
  private let weights: Int

  init(_ layer: Layer, machine: NPUDescription, limit: Int) {
    count = max(1, min(layer.tiles, limit))
    launch = layer.launch
    host = layer.hostCycles
    cost = layer.compute
    vectorTail = layer.vectorTail
    transfers = layer.transfers
    weights = machine.placement.weights
    depth = machine.policy.isDoubleBuffered ? 2 : 1
    holdsAllWeights = machine.policy.isDoubleBuffered && transfers[weights].prefetch <= layer.prefetchLimit
    prefetchableBytes = min(transfers[weights].prefetch, layer.prefetchLimit)
  }

  /// Cycles each memory needs for everything the layer moves.
  func busy(_ machine: NPUDescription) -> [Int] {
    transfers.indices.map { machine.memories[$0].cycles(for: transfers[$0].total) }
  }

  /// Cycles of tile `index`; all tiles together take exactly the layer's.
  func computeCycles(_ index: Int) -> Int { share(cost.cycles + vectorTail, index) }

  func weightBytes(_ index: Int) -> Int {
    let transfer = transfers[weights]
    return split(transfer.prefetch, first: transfer.firstPrefetch, index)
  }

  func inputs(_ index: Int) -> Bytes { bytes { split($0.load, first: $0.firstLoad, index) } }

  func streams(_ index: Int) -> Bytes { bytes { share($0.stream, index) } }

  func stores(_ index: Int) -> Bytes { bytes { split($0.store, first: $0.lastStore, count - 1 - index) } }

  private func bytes(_ part: (Layer.Transfer) -> Int) -> Bytes {
    var result: Bytes = []
    for (memory, transfer) in transfers.enumerated() where transfer.total > 0 {
      let bytes = part(transfer)
      if bytes > 0 { result.append((memory, bytes)) }
    }
    return result
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
