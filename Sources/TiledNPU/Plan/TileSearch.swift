/// Finds the tiling of one contraction that moves the fewest bytes to and from the far memory.
///
/// Bytes depend on the *number* of tiles along an axis and grow with the tile's size, so for every number of tiles only
/// the smallest size, `⌈extent/n⌉`, can be best: the search over those sizes is exact. Among equal traffic the plan with
/// the fewest tiles wins, then the one that holds less.
package struct TileSearch: Sendable {
  package let demand: TileDemand
  package let buffers: TileBuffers

  package init(_ demand: TileDemand, buffers: TileBuffers) {
    self.demand = demand
    self.buffers = buffers
  }

  /// The best plan, or what is missing for the smallest tile.
  package func best() throws(Infeasible) -> TilePlan {
    let shape = demand.shape
    let isWhole = shape.groups > 1
    if !isWhole, !demand.keepsPartialSums, let plan = best(channelSizes: [shape.inputChannels]) { return plan }
    let channelSizes = isWhole ? [shape.inputChannels] : Self.sizes(shape.inputChannels, unit: demand.inputLanes)
    if let plan = best(channelSizes: channelSizes) { return plan }
    throw infeasible(filters: Self.sizes(shape.outputChannels, unit: demand.outputLanes).last, channels: channelSizes.last)
  }

  private func best(channelSizes: [Int]) -> TilePlan? {
    var best: TilePlan?
    let filterSizes = Self.sizes(demand.shape.outputChannels, unit: demand.outputLanes)
    let rowSizes = Self.sizes(demand.shape.outputHeight, unit: 1)
    for channels in channelSizes {
      for filters in filterSizes {
        for rows in rowSizes {
          for order in TilePlan.Order.allCases {
            let plan = plan(order, rows: rows, filters: filters, channels: channels)
            guard fits(plan) else { continue }
            if let known = best, !isBetter(plan, than: known) { continue }
            best = plan
          }
        }
      }
    }
    return best
  }

  /// Distinct values of `⌈extent/n⌉` in units, largest first.
  package static func sizes(_ extent: Int, unit: Int) -> [Int] {
    let units = ceilDivide(extent, max(unit, 1))
    var result: [Int] = []
    var parts = 1
    while parts <= units {
      let size = ceilDivide(units, parts)
      result.append(min(extent, size * max(unit, 1)))
      guard size > 1 else { break }
      parts = ceilDivide(units, size - 1)
    }
    return result.isEmpty ? [extent] : result
  }

  private func isBetter(_ a: TilePlan, than b: TilePlan) -> Bool {
    (a.farBytes, a.tiles, a.heldBytes) < (b.farBytes, b.tiles, b.heldBytes)
  }

  /// The costs of one tiling, whether it fits or not.
  package func plan(_ order: TilePlan.Order, rows: Int, filters: Int, channels: Int) -> TilePlan {
    let shape = demand.shape
    let rowTiles = ceilDivide(shape.outputHeight, rows) * shape.batch
    let filterTiles = ceilDivide(shape.outputChannels, filters)
    let channelTiles = ceilDivide(shape.inputChannels, channels)
    // In a grouped convolution a slice of filters reads its own channels only.
    let isGrouped = shape.groups > 1
    let seenChannels = isGrouped ? max(1, ceilDivide(shape.inputChannels * filters, shape.outputChannels)) : channels
    let inputTile = bytes(shape.inputRows(forOutputRows: rows) * shape.inputWidth * seenChannels, demand.inputBits)
    let weightTile = ceilDivide(demand.weightBytes, filterTiles * channelTiles)
    let partialBits = channelTiles > 1 ? 32 : demand.outputBits
    let outputTile = bytes(rows * shape.outputWidth * filters, partialBits)
    let band = bytes(shape.inputRows(forOutputRows: rows) * shape.inputWidth * shape.inputChannels, demand.inputBits)
    let inputLoads: Int
    let weightLoads: Int
    switch order {
    case .filtersOutside:
      inputLoads = isGrouped || (rowTiles == 1 && channelTiles == 1) ? 1 : filterTiles
      weightLoads = channelTiles == 1 ? 1 : rowTiles
    case .rowsOutside:
      inputLoads = isGrouped || channelTiles == 1 ? 1 : filterTiles
      weightLoads = filterTiles == 1 && channelTiles == 1 ? 1 : rowTiles
    }
    var plan = TilePlan(
      order: order, rows: rows, filters: filters, channels: channels, rowTiles: rowTiles, filterTiles: filterTiles,
      channelTiles: channelTiles, inputBytes: demand.inputIsNear ? 0 : band * rowTiles * inputLoads,
      weightBytes: demand.weightBytes * weightLoads,
      outputBytes: demand.outputIsNear ? 0 : bytes(shape.outputElements, demand.outputBits),
      firstWeightBytes: weightTile, firstInputBytes: demand.inputIsNear ? 0 : inputTile,
      lastOutputBytes: demand.outputIsNear ? 0 : bytes(rows * shape.outputWidth * filters, demand.outputBits), heldBytes: 0)
    let held = held(input: inputTile, weights: weightTile, output: outputTile, plan)
    plan.heldBytes = held.inputs + held.weights + held.outputs
    return plan
  }

  private func held(input: Int, weights: Int, output: Int, _ plan: TilePlan) -> (inputs: Int, weights: Int, outputs: Int) {
    func copies(_ parts: Int) -> Int { buffers.isDoubleBuffered && parts > 1 ? 2 : 1 }
    let inputs =
      demand.inputIsNear ? 0 : input * copies(plan.rowTiles * plan.channelTiles * (demand.shape.groups > 1 ? plan.filterTiles : 1))
    let filters = weights * copies(plan.filterTiles * plan.channelTiles)
    let partial = plan.channelTiles > 1
    let outputs = demand.outputIsNear && !partial ? 0 : output * copies(plan.rowTiles * plan.filterTiles)
    return (inputs, filters, outputs)
  }

  private func tileHeld(_ plan: TilePlan) -> (inputs: Int, weights: Int, outputs: Int) {
    let shape = demand.shape
    let seen =
      shape.groups > 1 ? max(1, ceilDivide(shape.inputChannels * plan.filters, shape.outputChannels)) : plan.channels
    return held(
      input: bytes(shape.inputRows(forOutputRows: plan.rows) * shape.inputWidth * seen, demand.inputBits),
      weights: ceilDivide(demand.weightBytes, plan.filterTiles * plan.channelTiles),
      output: bytes(plan.rows * shape.outputWidth * plan.filters, plan.channelTiles > 1 ? 32 : demand.outputBits), plan)
  }

  /// Whether the plan's buffers fit.
  package func fits(_ plan: TilePlan) -> Bool {
    if let shared = buffers.shared, plan.heldBytes > shared { return false }
    guard buffers.inputs != nil || buffers.weights != nil || buffers.outputs != nil else { return true }
    let held = tileHeld(plan)
    return held.inputs <= buffers.inputs ?? .max && held.weights <= buffers.weights ?? .max
      && held.outputs <= buffers.outputs ?? .max
  }

  private func infeasible(filters: Int?, channels: Int?) -> Infeasible {
    let smallest = plan(
      .rowsOutside, rows: 1, filters: filters ?? 1, channels: channels ?? 1)
    let held = tileHeld(smallest)
    let tile = "1 row × \(smallest.filters) filters × \(smallest.channels) channels"
    let parts = [
      ("inputs", held.inputs, buffers.inputs), ("weights", held.weights, buffers.weights),
      ("outputs", held.outputs, buffers.outputs),
    ]
    for case (let name, let need, let have?) in parts where need > have {
      return Infeasible(
        buffer: "\(buffers.name) (\(name))", tile: tile, demand: need, capacity: have,
        lever: "a buffer of \(need) bytes would hold it")
    }
    let single = held.inputs / 2 + held.weights / 2 + held.outputs / 2
    let capacity = buffers.shared ?? 0
    let lever =
      buffers.isDoubleBuffered && single <= capacity
      ? "\(smallest.heldBytes) bytes, or single buffering, would do" : "\(smallest.heldBytes) bytes would hold it"
    return Infeasible(buffer: buffers.name, tile: tile, demand: smallest.heldBytes, capacity: capacity, lever: lever)
  }

  private func bytes(_ elements: Int, _ bits: Int) -> Int { (elements * bits + 7) / 8 }
}
