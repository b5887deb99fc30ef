/// What a machine sees of an operator: the narrow waist between operators and machines, a closed set.
///
/// Machines switch over these cases only and never over operator names. All extents are numbers: computations exist
/// after every dimension is bound.
package indirect enum Computation: Hashable, Sendable {
  /// Multiply-accumulate over a reduction axis: matrix product, convolution.
  case contraction(Contraction)
  /// Softmax(Q·Kᵀ)·V as one fused computation.
  case attention(Attention)
  /// One result element per index from the same index of the (broadcast) inputs.
  case pointwise(Pointwise)
  /// Many elements into one: sums, means, maxima, pooling windows, softmax and norms (reduction + pointwise).
  case reduction(Reduction)
  /// Bytes change place, not value: transpose, concatenate, gather, pad, or nothing at all (a view).
  case movement(Movement)
  /// A body carried out `tripCount` times in sequence: LSTM, GRU, Scan, Loop.
  case loop(Loop)
  /// Work nobody has described: counted in bytes and shown as opaque.
  case opaque(Opaque)
}

/// One tensor operand of a computation.
package struct Operand: Hashable, Sendable {
  package var element: ElementType
  package var encoding: Encoding
  /// Distinct elements, before any broadcast.
  package var count: Int
  /// True for weights: constants of the model, the same at every run.
  package var isConstant: Bool

  package init(element: ElementType, encoding: Encoding = .dense, count: Int, isConstant: Bool = false) {
    self.element = element
    self.encoding = encoding
    self.count = count
    self.isConstant = isConstant
  }

  /// Bytes under the encoding, metadata and group scales included.
  package var bytes: Int { encoding.storedBytes(count, of: element) }

  /// The stored number format.
  package var storage: ElementType { encoding.quantization?.storage ?? element }
}

/// `batch` independent products C[m,n] = Σ_k A[m,k]·B[k,n]; a convolution keeps its geometry beside the flattened view.
package struct Contraction: Hashable, Sendable {
  package var batch: Int
  package var m: Int
  package var n: Int
  package var k: Int
  /// A: activations, `batch·m·k` elements when flattened (a convolution's input is smaller and read with overlap).
  package var lhs: Operand
  /// B: weights of a layer, or the second activation of a product.
  package var rhs: Operand
  package var output: Operand
  /// Present for convolutions: m = outputs per image × images, n = filters per group, k = taps × channels per group.
  package var convolution: Convolution?
  /// A bias of n elements is added.
  package var hasBias: Bool
  /// Number of B matrices among which every row of A chooses one (mixture of experts); nil when all rows share B.
  package var experts: Int?
  /// Different experts each token chooses; the rows of A are tokens times choices.
  package var choices: Int

  package init(
    batch: Int, m: Int, n: Int, k: Int, lhs: Operand, rhs: Operand, output: Operand, convolution: Convolution? = nil,
    hasBias: Bool = false, experts: Int? = nil, choices: Int = 1
  ) {
    self.batch = batch
    self.m = m
    self.n = n
    self.k = k
    self.lhs = lhs
    self.rhs = rhs
    self.output = output
    self.convolution = convolution
    self.hasBias = hasBias
    self.experts = experts
    self.choices = choices
  }
}

extension Contraction {
  /// Experts that are chosen at all, by expectation when tokens choose at random and alike: E·(1 − (1 − k/E)^T); 1 without experts.
  package var touchedExperts: Int {
    guard let experts, experts > 0 else { return 1 }
    var (missed, power) = (1.0, 1 - Double(min(choices, experts)) / Double(experts))
    var tokens = m / max(1, choices)
    while tokens > 0 {
      if tokens & 1 == 1 { missed *= power }
      power *= power
      tokens >>= 1
    }
    return min(experts, max(1, Int((Double(experts) * (1 - missed)).rounded())))
  }

  /// The same rows as a batch of products, one per touched expert, for machines without a kernel for routed rows; itself
  /// when all rows share their weights.
  package var batchedByExpert: Contraction {
    guard experts != nil else { return self }
    var result = self
    result.experts = nil
    result.batch = touchedExperts
    result.m = (m + result.batch - 1) / result.batch
    result.rhs.count = result.batch * n * k
    return result
  }
}

/// Geometry of a convolution with any number of spatial axes, channels first in these numbers whatever the layout.
package struct Convolution: Hashable, Sendable {
  package var images: Int
  package var inputChannels: Int
  package var outputChannels: Int
  package var groups: Int
  package var input: [Int]
  package var output: [Int]
  package var kernel: [Int]
  package var strides: [Int]
  package var dilations: [Int]
  package var padsBegin: [Int]
  package var padsEnd: [Int]
  /// A transposed ("de") convolution: input and output change roles.
  package var isTransposed: Bool

  package init(
    images: Int, inputChannels: Int, outputChannels: Int, groups: Int, input: [Int], output: [Int], kernel: [Int],
    strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int], isTransposed: Bool = false
  ) {
    self.images = images
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.input = input
    self.output = output
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padsBegin = padsBegin
    self.padsEnd = padsEnd
    self.isTransposed = isTransposed
  }

  /// One filter per channel, as in depthwise-separable networks.
  package var isDepthwise: Bool { groups > 1 && groups == inputChannels }
}

/// Scaled dot-product attention: `batch × heads` queries of `queryLength × headDimension` against shared keys.
package struct Attention: Hashable, Sendable {
  package var batch: Int
  package var heads: Int
  package var keyHeads: Int
  package var queryLength: Int
  package var keyLength: Int
  package var headDimension: Int
  package var valueDimension: Int
  package var isCausal: Bool
  /// Keys each query sees at most; nil without a sliding window.
  package var window: Int?
  /// Scores pass a tanh before the softmax.
  package var isCapped: Bool
  package var hasMask: Bool
  package var query: Operand
  package var key: Operand
  package var value: Operand
  package var output: Operand

  package init(
    batch: Int, heads: Int, keyHeads: Int, queryLength: Int, keyLength: Int, headDimension: Int, valueDimension: Int,
    isCausal: Bool, window: Int? = nil, isCapped: Bool = false, hasMask: Bool = false, query: Operand, key: Operand, value: Operand,
    output: Operand
  ) {
    self.batch = batch
    self.heads = heads
    self.keyHeads = keyHeads
    self.queryLength = queryLength
    self.keyLength = keyLength
    self.headDimension = headDimension
    self.valueDimension = valueDimension
    self.isCausal = isCausal
    self.window = window
    self.isCapped = isCapped
    self.hasMask = hasMask
    self.query = query
    self.key = key
    self.value = value
    self.output = output
  }
}

/// Arithmetic per element, split by the unit that carries it out.
package struct ArithmeticCost: Hashable, Sendable {
  /// Additions, multiplications, comparisons, selections.
  package var simple: Int
  /// Divisions, square roots, exponentials, logarithms, trigonometric and error functions.
  package var special: Int

  package init(simple: Int = 0, special: Int = 0) {
    self.simple = simple
    self.special = special
  }

  package static func + (a: Self, b: Self) -> Self {
    ArithmeticCost(simple: a.simple + b.simple, special: a.special + b.special)
  }
}

package struct Pointwise: Hashable, Sendable {
  /// What it computes, for display and for units with a table of functions: `relu`, `add`, `gelu` …
  package var function: String
  /// Result elements.
  package var count: Int
  package var inputs: [Operand]
  package var outputs: [Operand]
  package var costPerElement: ArithmeticCost
  /// Stored statistics are applied, as a normalisation does at inference.
  package var hasStatistics: Bool

  package init(
    function: String, count: Int, inputs: [Operand], outputs: [Operand], costPerElement: ArithmeticCost, hasStatistics: Bool = false
  ) {
    self.hasStatistics = hasStatistics
    self.function = function
    self.count = count
    self.inputs = inputs
    self.outputs = outputs
    self.costPerElement = costPerElement
  }
}

package struct Reduction: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable { case sum, mean, maximum, minimum, product, argument, softmax, normalization, scan, sort }

  package var kind: Kind
  /// Independent reductions.
  package var rows: Int
  /// Elements reduced in each.
  package var columns: Int
  /// Pooling: taps of a sliding window with overlap (then `columns` is the window's size).
  package var window: Convolution?
  package var inputs: [Operand]
  package var outputs: [Operand]
  package var costPerElement: ArithmeticCost

  package init(
    kind: Kind, rows: Int, columns: Int, window: Convolution? = nil, inputs: [Operand], outputs: [Operand],
    costPerElement: ArithmeticCost
  ) {
    self.kind = kind
    self.rows = rows
    self.columns = columns
    self.window = window
    self.inputs = inputs
    self.outputs = outputs
    self.costPerElement = costPerElement
  }
}

package struct Movement: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// Nothing moves: reshape, squeeze, identity.
    case view
    case copy, transpose, concatenate, slice, gather, scatter, pad, resize, expand, cast
  }

  package var kind: Kind
  package var inputs: [Operand]
  package var outputs: [Operand]
  /// For gathers: distinct elements of the first input that are really read.
  package var elementsRead: Int?
  /// For slices: some elements between the first and the last of a row are left out.
  package var isStrided: Bool

  package init(kind: Kind, inputs: [Operand], outputs: [Operand], elementsRead: Int? = nil, isStrided: Bool = false) {
    self.kind = kind
    self.inputs = inputs
    self.outputs = outputs
    self.elementsRead = elementsRead
    self.isStrided = isStrided
  }
}

package struct Loop: Hashable, Sendable {
  /// `lstm`, `gru`, `loop` …, for display.
  package var label: String
  package var tripCount: Int
  /// Independent copies that run side by side (directions).
  package var parallel: Int
  package var body: [Computation]
  package var inputs: [Operand]
  package var outputs: [Operand]

  package init(label: String, tripCount: Int, parallel: Int = 1, body: [Computation], inputs: [Operand], outputs: [Operand]) {
    self.label = label
    self.tripCount = tripCount
    self.parallel = parallel
    self.body = body
    self.inputs = inputs
    self.outputs = outputs
  }
}

package struct Opaque: Hashable, Sendable {
  package var label: String
  package var inputs: [Operand]
  package var outputs: [Operand]

  package init(label: String, inputs: [Operand], outputs: [Operand]) {
    self.label = label
    self.inputs = inputs
    self.outputs = outputs
  }
}
