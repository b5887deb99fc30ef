/// How multiplications are laid out in time.
package enum Strategy: String, Sendable, Hashable, CaseIterable {
  /// Fully unrolled and pipelined; the reuse factor only limits the number of multipliers.
  case latency
  /// A loop of `reuse` steps over a weight ROM.
  case resource
}

/// Whether layers hand over whole tensors in registers or words through FIFOs.
package enum Transfer: String, Sendable, Hashable, CaseIterable {
  case parallel, stream
}

/// What is known of a layer's weights, for multiplier counts that depend on their values.
package struct WeightStatistics: Sendable, Hashable {
  /// Weights that are zero: no multiplier at all.
  package var zeros: Int
  /// Per input, distinct values with three or more non-zero canonical signed digits, summed over inputs:
  /// the products that need a multiplier (zero, one and two digits become wires, shifts and one addition).
  package var hardProducts: Int
  /// Weights with exactly two digits: one addition each.
  package var twoDigit: Int

  package init(zeros: Int, hardProducts: Int, twoDigit: Int) {
    self.zeros = zeros
    self.hardProducts = hardProducts
    self.twoDigit = twoDigit
  }
}

/// One layer as the dataflow tools see it: shapes, number formats and folding, no operator names.
package struct LayerSpec: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Matrix product of one vector per frame, or one per word of a stream.
    case dense
    case convolution, pool, globalPool
    /// Element-wise function without arithmetic on weights (ReLU); `scaled` also multiplies (leaky ReLU, batch norm).
    case activation, scaled
    /// Element-wise function read from a table (sigmoid, tanh, GELU).
    case table
    case padding, add, concatenate, split, softmax, resize, copy
  }

  package var name: String
  package var kind: Kind
  /// Input height, width and channels (height 1 for sequences and vectors).
  package var height = 1
  package var width = 1
  package var channels = 1
  package var outputHeight = 1
  package var outputWidth = 1
  package var outputChannels = 1
  package var kernelHeight = 1
  package var kernelWidth = 1
  package var strideHeight = 1
  package var strideWidth = 1
  /// Independent groups of channels (channels: depthwise).
  package var groups = 1
  /// Spacing of the taps.
  package var dilationHeight = 1
  package var dilationWidth = 1
  /// Rows above and columns left that are added (padding layers) or assumed (pooling).
  package var padTop = 0
  package var padLeft = 0
  /// Requested reuse factor.
  package var reuse = 1
  /// True when the folding was asked for by name: a search leaves it alone.
  package var isFolded = false
  /// Processing elements and lanes that were asked for, instead of those that follow from `reuse`.
  package var processing: FINNFolding?
  package var strategy: Strategy = .resource
  package var transfer: Transfer = .stream
  /// Bits of a weight, of a stream element and of an accumulator.
  package var weightBits = 16
  package var dataBits = 16
  package var weights: WeightStatistics?
  /// Products go to look-up tables whatever their width.
  package var forcesTables = false

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  package var pixels: Int { height * width }
  package var outputPixels: Int { outputHeight * outputWidth }
  package var inputs: Int { pixels * channels }

  /// Rows of the weight matrix: inputs of one dot product.
  package var kernelInputs: Int {
    switch kind {
    case .convolution: kernelHeight * kernelWidth * channels / max(1, groups)
    case .dense: inputs
    default: 0
    }
  }

  /// Columns of the weight matrix: dot products per step.
  package var kernelOutputs: Int {
    switch kind {
    case .convolution, .dense: outputChannels
    default: 0
    }
  }

  /// Elements held around one step: all taps of all channels, or the whole input of a dense layer.
  package var windowInputs: Int {
    kind == .convolution ? kernelHeight * kernelWidth * channels : kind == .dense ? inputs : 0
  }

  package var weightCount: Int { kernelInputs * kernelOutputs }

  /// The factor the tool really uses.
  package var effectiveReuse: ReuseFactor {
    strategy == .resource
      ? ReuseFactor(requested: reuse, inputs: kernelInputs, outputs: kernelOutputs)
      : ReuseFactor(fixed: reuse)
  }

  /// Parallel multipliers: ceil(inputs·outputs / reuse).
  package var multipliers: Int {
    weightCount == 0 ? 0 : (weightCount + effectiveReuse.effective - 1) / effectiveReuse.effective
  }
}
