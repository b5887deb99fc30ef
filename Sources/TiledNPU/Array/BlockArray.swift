/// A multiplier array that works on blocks of the output held in small buffers, as Arm's Ethos-U do.
///
/// A step multiplies a *micro-block* of outputs with a slice of input channels (depth first) or with 8 input channels at 4
/// kernel positions (part kernel). Input and accumulator blocks live in small buffers, so the block that fits decides how
/// often inputs and weights are fetched again. All of this is data of the target file.
package struct BlockArray: Hashable, Sendable {
  /// One way to arrange the multipliers.
  package struct MicroBlock: Hashable, Sendable {
    /// Outputs produced together.
    package var shape: Block
    /// Input channels of one depth-first pass.
    package var channels: Int
    /// What it can be used for; empty for everything.
    package var uses: Set<Use>

    package init(shape: Block, channels: Int, uses: Set<Use> = []) {
      self.shape = shape
      self.channels = channels
      self.uses = uses
    }
  }

  /// Kinds of work, as target files spell them.
  package enum Use: String, Hashable, Sendable, CaseIterable { case convolution, product, depthwise, pooling, sum, elementwise }

  /// Where blocks of inputs and accumulators are held.
  package enum Buffers: Hashable, Sendable {
    case banked(BankedBuffer)
    case split(SplitBuffers)
  }

  /// One memory of banks that input and accumulator blocks share.
  package struct BankedBuffer: Hashable, Sendable {
    package var bankBytes: Int
    package var banks: Int
    /// Banks kept for the output on its way out, and banks that cannot hold operands (lookup tables).
    package var reservedOutputBanks: Int
    package var reservedEndBanks: Int
    /// Banks are handed out in multiples of these.
    package var inputGranule8: Int
    package var inputGranule16: Int
    package var inputGranule32: Int
    package var accumulatorGranule32: Int
    package var accumulatorGranule40: Int
  }

  /// A memory for inputs, one for accumulators and one for elementwise outputs, in bytes.
  package struct SplitBuffers: Hashable, Sendable {
    package var inputs: Int
    package var accumulators: Int
    package var outputs: Int
    /// Input channels are stored in units of 16, 32 … up to this.
    package var largestDepthUnit: Int
  }

  /// When kernel positions rather than channels fill the multipliers.
  package struct PartKernel: Hashable, Sendable {
    /// Kernel positions of one step, and what a last incomplete step costs at least.
    package var taps: Int
    package var leastTaps: Int
    /// Units in which channels are wasted in part-kernel and in depth-first order.
    package var channelUnit: Int
    package var depthUnit: Int
  }

  package var microBlocks: [MicroBlock]
  /// Cores that share the depth of one block.
  package var cores: Int
  /// Weights that the decoders deliver per cycle and micro-block of outputs: 8 each.
  package var weightDecoders: Int
  package var buffers: Buffers
  package var partKernel: PartKernel
  /// Largest block of outputs.
  package var maximumBlock: Block
  /// Cycles lost when a pipeline of a single micro-block restarts; for wide accumulators in the second figure.
  package var restartDelay: Int
  package var restartDelayWide: Int
  /// Largest part of a kernel handled in one pass, on each axis.
  package var kernelLimit: Int
  /// A stride along a row becomes channels when no more than this many result; 0 for never.
  package var foldedStrideChannels: Int
  /// Bytes that each kind of transfer may have in flight; empty when only the memory limits it.
  package var readBuffers: [Channel: Int]

  /// Kinds of transfer with buffers of their own.
  package enum Channel: String, Hashable, Sendable, CaseIterable { case copy, inputs, stream, weights, scales }

  /// The micro-block that an operation fills best.
  package func microBlock(for query: Query) -> MicroBlock {
    let fitting = microBlocks.filter { $0.uses.isEmpty || $0.uses.contains(query.mode.use) }
    func waste(_ micro: MicroBlock) -> Int {
      roundUp(query.output.height, to: micro.shape.height) * roundUp(query.output.width, to: micro.shape.width)
        * roundUp(query.output.depth, to: micro.shape.depth)
    }
    return fitting.min { waste($0) < waste($1) } ?? microBlocks[0]
  }

  /// Multiplications per cycle: a micro-block times eight channels on every core.
  package var cells: Int { (microBlocks.map(\.shape.volume).max() ?? 1) * 8 * cores }
  /// Output channels made together.
  package var outputLanes: Int { (microBlocks.first?.shape.depth ?? 1) * cores }

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

    var use: Use {
      switch self {
      case .convolution: .convolution
      case .depthwise: .depthwise
      case .product: .product
      case .pooling: .pooling
      case .channelSum: .sum
      case .elementwise: .elementwise
      }
    }
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
    package var micro: MicroBlock
    package var output: Block
    package var input: Block
    /// Kernel positions rather than channels fill the multipliers.
    package var isPartKernel: Bool
    package var hasWideAccumulators: Bool
  }
}
