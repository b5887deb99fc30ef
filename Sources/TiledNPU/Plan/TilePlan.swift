/// How one contraction is cut so that its operands fit the memory beside the array.
package struct TilePlan: Hashable, Sendable {
  /// Which loop is outside.
  package enum Order: String, Hashable, Sendable, CaseIterable {
    /// A slice of filters stays while all rows pass.
    case filtersOutside = "filters outside"
    /// A band of rows stays while all filters pass.
    case rowsOutside = "rows outside"
  }

  package var order: Order
  /// Output rows of a tile.
  package var rows: Int
  /// Output channels of a tile.
  package var filters: Int
  /// Input channels of a tile.
  package var channels: Int
  /// Tiles along each axis.
  package var rowTiles: Int
  package var filterTiles: Int
  package var channelTiles: Int
  /// Bytes from and to the far memory.
  package var inputBytes: Int
  package var weightBytes: Int
  package var outputBytes: Int
  /// Bytes of the first tile's weights and inputs, which nothing can hide, and of the last tile's outputs.
  package var firstWeightBytes: Int
  package var firstInputBytes: Int
  package var lastOutputBytes: Int
  /// Bytes held beside the array while the tiles pass, double buffers included.
  package var heldBytes: Int

  package var tiles: Int { rowTiles * filterTiles * channelTiles }
  package var farBytes: Int { inputBytes + weightBytes + outputBytes }

  package var description: String {
    "\(rows)r×\(filters)f×\(channels)c, \(tiles) \(tiles == 1 ? "tile" : "tiles"), \(order.rawValue)"
  }
}

/// The operands of one contraction as the tiler sees them.
package struct TileDemand: Hashable, Sendable {
  package var shape: LayerShape
  package var inputBits: Int
  package var outputBits: Int
  /// Stored bytes of all weights.
  package var weightBytes: Int
  /// The input is beside the array already.
  package var inputIsNear: Bool
  /// The output stays beside the array.
  package var outputIsNear: Bool
  /// Tiles are cut at multiples of these.
  package var inputLanes: Int
  package var outputLanes: Int
  /// Sums over a part of the input channels may wait in the buffer for the rest.
  package var keepsPartialSums: Bool

  package init(
    shape: LayerShape, inputBits: Int, outputBits: Int, weightBytes: Int, inputIsNear: Bool, outputIsNear: Bool,
    inputLanes: Int, outputLanes: Int, keepsPartialSums: Bool = true
  ) {
    self.shape = shape
    self.inputBits = inputBits
    self.outputBits = outputBits
    self.weightBytes = weightBytes
    self.inputIsNear = inputIsNear
    self.outputIsNear = outputIsNear
    self.inputLanes = inputLanes
    self.outputLanes = outputLanes
    self.keepsPartialSums = keepsPartialSums
  }
}

/// Memory beside the array that tiles may use.
package struct TileBuffers: Hashable, Sendable {
  package var name: String
  /// Bytes for inputs, weights and outputs together; nil for no limit.
  package var shared: Int?
  /// Bytes of a buffer of its own for each operand, when the machine has them.
  package var inputs: Int?
  package var weights: Int?
  package var outputs: Int?
  /// Bytes of a queue of weights in front of the array; nil when weights are fetched ahead tile by tile.
  package var weightQueue: Int?
  /// The next tile is loaded while the current one is computed.
  package var isDoubleBuffered: Bool

  package init(
    name: String, shared: Int?, inputs: Int? = nil, weights: Int? = nil, outputs: Int? = nil, weightQueue: Int? = nil,
    isDoubleBuffered: Bool = true
  ) {
    self.name = name
    self.shared = shared
    self.inputs = inputs
    self.weights = weights
    self.outputs = outputs
    self.weightQueue = weightQueue
    self.isDoubleBuffered = isDoubleBuffered
  }
}

/// Why something does not fit, in bytes, and what would make it fit.
package struct Infeasible: Error, Hashable, Sendable, CustomStringConvertible {
  package var layer: String
  package var buffer: String
  package var tile: String
  package var demand: Int
  package var capacity: Int
  package var lever: String

  package init(layer: String = "", buffer: String, tile: String, demand: Int, capacity: Int, lever: String) {
    self.layer = layer
    self.buffer = buffer
    self.tile = tile
    self.demand = demand
    self.capacity = capacity
    self.lever = lever
  }

  package var missing: Int { demand - capacity }

  package var description: String {
    "\(layer.isEmpty ? "" : "'\(layer)': ")the smallest tile (\(tile)) needs \(demand) bytes in \(buffer), which has \(capacity): \(missing) bytes are missing; \(lever)"
  }
}
