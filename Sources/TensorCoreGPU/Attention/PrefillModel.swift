/// Time of fused attention with many queries per sequence: tiles of queries over the SMs, each walking over its keys.
struct PrefillModel {
  var device: DeviceRates
  var kernels: PrefillKernels
  var memoryEfficiency: Double

  /// What a prefill takes, in seconds, and the tile that was chosen.
  struct Parts {
    var launch: Double
    var rearrange: Double
    var blocks: Double
    var traffic: Double
    var tile: PrefillTile
    var usesEightBits: Bool

    var attention: Double { max(blocks, traffic) }
    var seconds: Double { launch + rearrange + attention }
  }

  /// Nil when the library has no tile for the format.
  func parts(_ shape: AttentionShape) -> Parts? {
    let usesEightBits = shape.keyBits <= 8 && device.matrixRate8 > 0
    let bits = usesEightBits ? 8 : 16
    let rate = usesEightBits ? device.matrixRate8 : shape.queryBits > 16 ? device.coreRate : device.matrixRate16
    let dimension = max(shape.headDimension, shape.valueDimension)
    guard rate > 0, let tile = tile(dimension: max(1, dimension), bits: bits) else { return nil }
    let bytes = rearrangedBytes(shape, bits: bits)
    let rearrange = kernels.rearrangeEfficiency > 0 ? bytes / (device.memoryRate * kernels.rearrangeEfficiency) : 0
    let energy = usesEightBits ? device.matrixEnergy8 : shape.queryBits > 16 ? device.coreEnergy : device.matrixEnergy16
    let blocks = device.underPower(
      blockSeconds(shape, tile, rate: rate), multiplyAdds: shape.multiplyAdds, energy: energy, bytes: shape.keyValueBytes + shape.queryBytes
    )
    return Parts(
      launch: kernels.launch, rearrange: rearrange, blocks: blocks,
      traffic: (shape.keyValueBytes + shape.queryBytes) / (device.memoryRate * memoryEfficiency), tile: tile,
      usesEightBits: usesEightBits)
  }

  /// The narrowest tile that holds the head; a head wider than any walks over its dimension in steps of the widest.
  private func tile(dimension: Int, bits: Int) -> PrefillTile? {
    let fitting = kernels.tiles.filter { $0.bits >= bits }
    let wide = fitting.filter { $0.headDimension >= dimension }
    if let tile = wide.min(by: { ($0.headDimension, $0.bits) < ($1.headDimension, $1.bits) }) { return tile }
    guard var widest = fitting.max(by: { ($0.headDimension, $1.bits) < ($1.headDimension, $0.bits) }) else {
      return nil
    }
    widest.headDimension = (dimension + widest.headDimension - 1) / widest.headDimension * widest.headDimension
    return widest
  }

  /// Queries, new keys and values are read once, rotated, and written in the kernel's layout and format: bytes, counted as
  /// those of queries.
  private func rearrangedBytes(_ shape: AttentionShape, bits: Int) -> Double {
    let fresh = Double(shape.batch * min(shape.queries, shape.keys))
    let keys = Double(shape.keyHeads * (shape.headDimension + shape.valueDimension)) * kernels.rearrangeKeyShare
    let width = Double(shape.heads * shape.headDimension) + keys
    return fresh * width * Double(shape.queryBits + bits) / 8 * (shape.isCausal ? 1 : kernels.unmaskedRearrange)
  }

  /// Blocks are handed out longest first: the chip is busy for total work / SMs and then waits for the last block.
  private func blockSeconds(_ shape: AttentionShape, _ tile: PrefillTile, rate: Double) -> Double {
    let cost = BlockCost(device: device, kernels: kernels, tile: tile, rate: rate, shape: shape)
    var total = 0.0
    var longest = 0.0
    var first = 0
    var count = 0
    while first < shape.queries {
      let clocks = cost.clocks(shape, first: first)
      total += clocks
      longest = max(longest, clocks)
      first += tile.queries
      count += 1
    }
    let heads = Double(shape.batch * shape.heads)
    let perSM = heads * Double(count) / Double(device.smCount)
    let busy = total * heads / Double(device.smCount)
    if perSM <= 1 { return device.seconds(longest * kernels.soloShare) }
    // No schedule is worse than whole waves of the longest block.
    let waves = (perSM / kernels.residency).rounded(.up) * longest * kernels.residency
    if shape.isCausal {
      return device.seconds(min(waves, max(longest * kernels.soloShare, busy + kernels.tail * longest)))
    }
    return device.seconds(perSM < kernels.wholeWaves ? waves : busy + longest / 2)
  }
}

/// Clocks of one block: its start, then for every block of keys the two products and the softmax between them.
private struct BlockCost {
  private let kernels: PrefillKernels
  private let tile: PrefillTile
  private let start: Double
  private let step: Double
  private let mask: Double
  private let edge: Double

  init(device: DeviceRates, kernels: PrefillKernels, tile: PrefillTile, rate: Double, shape: AttentionShape) {
    self.kernels = kernels
    self.tile = tile
    let scores = Double(tile.queries * tile.keys)
    let scoreClocks = scores / device.specialLanes
    // Values narrower than keys are padded to 64 columns of their own.
    let values = min(tile.headDimension, (shape.valueDimension + 63) / 64 * 64)
    let width = shape.valueDimension < shape.headDimension ? tile.headDimension + values : 2 * tile.headDimension
    let products = scores * Double(width) / (rate * tile.issueShare)
    start = kernels.blockStart + kernels.blockStartPerDimension * Double(tile.headDimension) / 128
    let caps = shape.isCapped ? scores / device.tanhLanes : 0
    let softmax = scoreClocks * kernels.softmaxCost
    step = max(products, softmax) + (1 - kernels.softmaxOverlap) * min(products, softmax) + caps
    mask = scoreClocks * kernels.maskCost
    edge = scoreClocks * (rate > 0 && tile.bits == 8 ? kernels.windowCost8 : kernels.windowCost16)
  }

  func clocks(_ shape: AttentionShape, first: Int) -> Double {
    let keys = KeyBlocks(shape, first: first, rows: tile.queries, step: tile.keys)
    let isHalf = kernels.warpgroupRows > 0 && shape.queries - first <= kernels.warpgroupRows
    let work = Double(keys.all) * step + Double(keys.diagonal) * mask + Double(keys.edge) * edge
    return start + work * (isHalf ? 0.5 : 1)
  }
}
