/// Time of attention with one query per sequence: the cache is read once per key head, in pieces when there are few sequences.
struct DecodeModel {
  var device: DeviceRates
  var kernel: DecodeKernel
  var library: AttentionLibrary
  var residentShare: Double

  struct Parts {
    var launch: Double
    /// Start of blocks that no other work hides.
    var exposed: Double
    var blocks: Double
    var traffic: Double
    var operands: Double
    var pieces: Int
    /// Share of keys and values the L2 holds.
    var found: Double

    var seconds: Double { launch + max(blocks, traffic + exposed) + operands }
  }

  /// `sharesStorage` when a benchmark lets keys and values alias: what is read as keys is found in the L2 as values.
  /// - `found`: share of them in the L2; nil: all or nothing, as they fit.
  func parts(_ shape: AttentionShape, sharesStorage: Bool = false, found: Double? = nil) -> Parts {
    let tiles = (shape.group + kernel.groupRows - 1) / kernel.groupRows
    let passes = kernel.grid == .queryHead || kernel.addsBlocks ? 1 : tiles
    let perSequence = kernel.grid == .queryHead ? shape.heads : shape.keyHeads * (kernel.addsBlocks ? tiles : 1)
    let deal = deal(blocks: shape.batch * perSequence, shape)
    let (pieces, keys) = (deal.pieces, deal.keys)
    let count = shape.batch * perSequence * deal.seeing
    let blind = Double(shape.batch * perSequence * (pieces - deal.seeing)) / Double(device.smCount) / kernel.residency
    let width = Double(shape.headDimension + shape.valueDimension)
    let repeated = 1 + kernel.passCost * Double(passes - 1)
    let start = (kernel.blockStart + kernel.blockStartPerDimension * Double(shape.headDimension) / 128) * repeated
    let units = Double(keys) * width * (kernel.countsBytes ? Double(shape.keyBits) / 8 : 1)
    let rows = kernel.grid == .queryHead ? 1 : kernel.addsBlocks ? min(shape.group, kernel.groupRows) : shape.group
    let caps = shape.isCapped ? Double(keys * rows) / device.tanhLanes : 0
    let stream = units / kernel.rate * repeated + caps
    let rounds = rounds(count)
    let hidden = device.seconds(blind * start * (kernel.hiddenStart ?? 0))
    let exposed = device.seconds(start * (kernel.residency == 1 ? rounds : 1)) + hidden
    let resident = min(Double(count), Double(device.smCount) * kernel.residency) * Double(keys) * width / 2
    let cached =
      sharesStorage
      && (kernel.grid == .keyHead || shape.group > 1
        || resident * Double(shape.keyBits) / 8 <= residentShare * device.cacheCapacity)
    let bytes = shape.keyValueBytes * (cached ? 0.5 : 1)
    let found = found ?? (bytes <= device.cacheCapacity * residentShare ? 1 : 0)
    var traffic = bytes * (found / device.cacheRate + (1 - found) / (device.memoryRate * library.memoryEfficiency))
    if kernel.grid == .queryHead, shape.group > 1 {
      traffic = max(traffic, shape.keyValueBytes * Double(shape.group) / device.cacheRate)
    }
    return Parts(
      launch: launch(shape, pieces: pieces), exposed: exposed,
      blocks: rounds * device.seconds(start + stream) + hidden,
      traffic: traffic, operands: operandSeconds(shape), pieces: pieces, found: found)
  }

  private func launch(_ shape: AttentionShape, pieces: Int) -> Double {
    kernel.launch + (pieces > 1 ? kernel.splitLaunch : 0)
      + (shape.batch > 1 && shape.keyHeads > 1 ? kernel.regroupLaunch : 0)
      + (shape.headDimension < kernel.prepareBelow ? kernel.prepareLaunch : 0)
  }

  /// The query, the new key and value, and the result: small rows from and to everywhere.
  private func operandSeconds(_ shape: AttentionShape) -> Double {
    let width = Double((2 * shape.heads + 2 * shape.keyHeads) * shape.headDimension * shape.queryBits) / 8
    return Double(shape.batch) * width / (library.operandEfficiency * device.memoryRate)
  }

  /// Rounds of blocks over the SMs.
  private func rounds(_ blocks: Int) -> Double {
    let perSM = Double(blocks) / Double(device.smCount)
    return max(1, Waves.time(perSM, whole: library.decodeWholeWaves) / kernel.residency)
  }

  /// How the keys of one sequence and head are dealt to blocks.
  private struct Deal {
    var pieces: Int
    /// Pieces with keys that the window shows.
    var seeing: Int
    /// Keys of the fullest piece, in whole steps.
    var keys: Int
  }

  /// Neighbouring keys go to one piece; where pieces are cut over the whole cache those in front of the window see nothing.
  private func deal(blocks: Int, _ shape: AttentionShape) -> Deal {
    let step = kernel.keysPerStep
    func steps(_ keys: Int) -> Int { (keys + step - 1) / step }
    guard kernel.hiddenStart != nil else {
      let pieces = pieces(blocks: blocks, keys: shape.visibleKeys)
      return Deal(pieces: pieces, seeing: pieces, keys: steps((shape.visibleKeys + pieces - 1) / pieces) * step)
    }
    let pieces = pieces(blocks: blocks, keys: shape.keys)
    let shown = steps(shape.keys) - (shape.keys - shape.visibleKeys) / step
    let perPiece = (steps(shape.keys) + pieces - 1) / pieces
    return Deal(pieces: pieces, seeing: min(pieces, (shown + perPiece - 1) / perPiece), keys: min(perPiece, shown) * step)
  }

  private func pieces(blocks: Int, keys: Int) -> Int {
    switch kernel.split {
    case .none: return 1
    case .waves:
      let wanted = max(1, kernel.splitKeys > 0 ? keys / kernel.splitKeys : 1)
      let slots = Double(device.smCount) * kernel.splitWaves
      let waves = Double(blocks * wanted) / slots
      return waves > 1 ? max(1, Int(Double(wanted) / waves)) : wanted
    case .balance:
      let steps = (keys + kernel.keysPerStep - 1) / kernel.keysPerStep
      return BalancedSplit(smCount: device.smCount).pieces(blocks: blocks, steps: steps)
    }
  }
}
