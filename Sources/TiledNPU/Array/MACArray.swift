/// The multiplier array of a core, one of the organisations this family knows.
package enum MACArray: Hashable, Sendable {
  case systolic(SystolicArray)
  case dot(DotProductArray)
  case block(BlockArray)

  /// Multiply-accumulates per cycle at the native width.
  package var cells: Int {
    switch self {
    case .systolic(let array): array.cells
    case .dot(let array): array.cells
    case .block(let array): array.cells
    }
  }

  /// Input channels taken together; tiles are cut at multiples of it.
  package var inputLanes: Int {
    switch self {
    case .systolic(let array): array.rows
    case .dot(let array): array.inputLanes
    case .block: 8
    }
  }

  /// Output channels made together; tiles are cut at multiples of it.
  package var outputLanes: Int {
    switch self {
    case .systolic(let array): array.columns
    case .dot(let array): array.outputLanes
    case .block(let array): array.outputLanes
    }
  }

  /// How often a contraction streams its inputs through the array: once per slice of output channels.
  package func inputPasses(of shape: LayerShape) -> Int {
    guard !shape.isDepthwise else { return 1 }
    return ceilDivide(shape.gemmColumns, outputLanes)
  }

  /// Outputs finished by the last slice of output channels: what the output stage still has to do when the array is done.
  package func lastOutputs(of shape: LayerShape) -> Int {
    shape.gemmRows * min(shape.gemmColumns, outputLanes)
  }
}
