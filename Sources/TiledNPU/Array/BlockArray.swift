/// A multiplier array that works on blocks of the output held in a small banked buffer, as Arm's Ethos-U55 and U65 do.
///
/// Each step of four cycles multiplies a *micro-block* of outputs with 32 input channels (depth first) or with 8 input
/// channels at 4 kernel positions (part kernel). Input and accumulator blocks share the banked buffer, so the block that
/// fits decides how often inputs and weights are fetched again. All of this is data of the target file.
package struct BlockArray: Hashable, Sendable {
  /// Outputs produced together.
  package var microBlock: Block
  /// Cores that share the depth of one block.
  package var cores: Int
  package var bankBytes: Int
  package var banks: Int
  /// Banks kept for the output on its way out.
  package var reservedOutputBanks: Int
  /// Banks that cannot hold operands (lookup tables).
  package var reservedEndBanks: Int
  /// Banks are handed out in multiples of these.
  package var inputGranule8: Int
  package var inputGranule16: Int
  package var inputGranule32: Int
  package var accumulatorGranule32: Int
  package var accumulatorGranule40: Int
  /// Largest block of outputs.
  package var maximumBlock: Block
  /// Cycles lost when a pipeline of a single micro-block restarts; for 40-bit accumulators in the second figure.
  package var restartDelay: Int
  package var restartDelayWide: Int
  /// Largest part of a kernel handled in one pass, on each axis.
  package var kernelLimit: Int

  package init(
    microBlock: Block, cores: Int, bankBytes: Int, banks: Int, reservedOutputBanks: Int, reservedEndBanks: Int,
    inputGranules: (bits8: Int, bits16: Int, bits32: Int), accumulatorGranules: (bits32: Int, bits40: Int),
    maximumBlock: Block, restartDelay: (narrow: Int, wide: Int), kernelLimit: Int
  ) {
    self.microBlock = microBlock
    self.cores = cores
    self.bankBytes = bankBytes
    self.banks = banks
    self.reservedOutputBanks = reservedOutputBanks
    self.reservedEndBanks = reservedEndBanks
    inputGranule8 = inputGranules.bits8
    inputGranule16 = inputGranules.bits16
    inputGranule32 = inputGranules.bits32
    accumulatorGranule32 = accumulatorGranules.bits32
    accumulatorGranule40 = accumulatorGranules.bits40
    self.maximumBlock = maximumBlock
    self.restartDelay = restartDelay.narrow
    restartDelayWide = restartDelay.wide
    self.kernelLimit = kernelLimit
  }

  /// Multiplications per cycle: a micro-block times eight channels on every core.
  package var cells: Int { microBlock.volume * 8 * cores }

  /// What an operation asks of the array.
  package enum Mode: Hashable, Sendable {
    case convolution
    case depthwise
    /// A single matrix–vector or matrix–matrix product.
    case product
    case pooling
    /// A sum over channels.
    case channelSum
    case elementwise(operands: Int, broadcastsScalar: Bool)
  }

  /// One operation in the array's own terms.
  package struct Query: Hashable, Sendable {
    package var mode: Mode
    package var shape: LayerShape
    package var inputBits: Int
    package var outputBits: Int

    package init(mode: Mode, shape: LayerShape, inputBits: Int, outputBits: Int) {
      self.mode = mode
      self.shape = shape
      self.inputBits = inputBits
      self.outputBits = outputBits
    }

    package var input: Block { Block(shape.inputHeight, shape.inputWidth, shape.inputChannels) }
    package var output: Block { Block(shape.outputHeight, shape.outputWidth, shape.outputChannels) }
    package var isElementwise: Bool { if case .elementwise = mode { true } else { false } }
    /// Input and output blocks have the same depth: nothing is summed over channels.
    package var keepsDepth: Bool { mode == .pooling || mode == .depthwise || isElementwise }
    package var readsWeights: Bool { mode == .convolution || mode == .depthwise || mode == .product }
  }

  /// The block chosen for an operation.
  package struct Configuration: Hashable, Sendable {
    package var output: Block
    package var input: Block
    /// Kernel positions rather than channels fill the multipliers.
    package var isPartKernel: Bool
    package var hasWideAccumulators: Bool
  }
}
