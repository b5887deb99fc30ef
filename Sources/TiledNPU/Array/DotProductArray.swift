/// A multiplier array that each cycle combines a slice of input channels with a slice of filters at one or more output positions.
///
/// With `C` input lanes, `K` output lanes and a `H × W` patch of positions per step, a convolution takes
/// `⌈OH/H⌉·⌈OW/W⌉·KH·KW·⌈Cin/C⌉·⌈Cout/K⌉` steps (NVDLA's atomic operation has a patch of 1 × 1). Positions in one line,
/// such as the rows of a product, take the whole patch: `⌈OH·OW/(H·W)⌉`.
package struct DotProductArray: Hashable, Sendable {
  package var inputLanes: Int
  package var outputLanes: Int
  package var patchHeight: Int
  package var patchWidth: Int
  /// Whether input lanes left over by a shallow first layer take kernel positions instead.
  package var packsKernelIntoLanes: Bool
  /// Output lanes a depthwise convolution can use; each does one multiplication per cycle.
  package var depthwiseLanes: Int

  package init(
    inputLanes: Int, outputLanes: Int, patchHeight: Int = 1, patchWidth: Int = 1, packsKernelIntoLanes: Bool = false,
    depthwiseLanes: Int? = nil
  ) {
    self.inputLanes = inputLanes
    self.outputLanes = outputLanes
    self.patchHeight = patchHeight
    self.patchWidth = patchWidth
    self.packsKernelIntoLanes = packsKernelIntoLanes
    self.depthwiseLanes = depthwiseLanes ?? outputLanes
  }

  package var cells: Int { inputLanes * outputLanes * patchHeight * patchWidth }

  /// Cycles of `shape` with all operands at hand.
  package func cost(of shape: LayerShape, cyclesPerStep: Int = 1) -> ArrayCost {
    let isLine = shape.outputHeight == 1 || shape.outputWidth == 1
    let patches =
      shape.batch
      * (isLine
        ? ceilDivide(shape.outputHeight * shape.outputWidth, patchHeight * patchWidth)
        : ceilDivide(shape.outputHeight, patchHeight) * ceilDivide(shape.outputWidth, patchWidth))
    if shape.isDepthwise {
      let steps = shape.kernelElements * ceilDivide(shape.outputChannels, depthwiseLanes)
      return ArrayCost(streaming: patches * steps * cyclesPerStep)
    }
    let filters = ceilDivide(shape.gemmColumns, outputLanes) * shape.groups
    return ArrayCost(streaming: patches * depthSteps(of: shape) * filters * cyclesPerStep)
  }

  private func depthSteps(of shape: LayerShape) -> Int {
    let byChannel = shape.kernelElements * ceilDivide(shape.channelsPerGroup, inputLanes)
    guard packsKernelIntoLanes, shape.channelsPerGroup < inputLanes else { return byChannel }
    return min(byChannel, ceilDivide(shape.gemmDepth, inputLanes))
  }
}
