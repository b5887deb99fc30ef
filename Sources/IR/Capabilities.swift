/// What a target can execute and fuse, as a plain value: how passes stay free of hardware.
///
/// The default stands for no machine in particular and allows everything; targets state theirs in `<fusion>`. Members of small closed
/// sets are arrays without repetition: building a hash table of a new type costs a run more than every look-up in it.
package struct Capabilities: Hashable, Sendable, Codable {
  /// Pointwise functions that a contraction kernel can apply to its result before storing it; `*` allows all, `bias` an added constant.
  package var epilogueFunctions: Set<String>
  /// A second tensor (residual) may be added in the epilogue.
  package var fusesResidual: Bool
  /// Chains of pointwise computations become one kernel.
  package var fusesPointwiseChains: Bool
  /// A reduction may end a chain of pointwise computations.
  package var fusesReductionSinks: Bool
  /// A chain may begin with rows looked up in a table.
  package var fusesGathers: Bool
  /// Slices and the parts of a split are read where they lie, by any kernel: no kernel cuts them out.
  package var readsSlices: Bool
  /// What the operand loads of a contraction do on the way.
  package var operandLoads: [OperandLoad]
  /// Products of one tensor with several weights run as one product.
  package var mergesProjections: Bool
  /// Patterns of operations that the target has one kernel for.
  package var forms: [SemanticForm]
  /// Fused attention beyond its plain form; `forms` says whether there is any.
  package var attention: AttentionSupport
  /// Largest number of tensors one kernel may read.
  package var maximumKernelInputs: Int
  /// Element types contractions can execute, by storage spelling (`f16`, `i8` …).
  package var contractionTypes: Set<String>
  /// The 16-bit float that layers run in where a request only says "16 bits": bfloat16 where the target multiplies it.
  package var halfFloat = ElementType.bfloat16
  /// Structured sparsities contractions can execute, such as `2:4`.
  package var sparsities: Set<String>
  /// Channel counts of contractions run without waste when they are a multiple of this: the tile of the multiplier array.
  package var contractionMultiple = 1
  /// Entries of a table that a decoder between memory and multipliers looks weights up in; 0 without one.
  package var weightPalette = 0
  /// How stored integers are multiplied, added up and rounded.
  package var integers: IntegerArithmetic

  package init(
    epilogueFunctions: Set<String> = ["*"], fusesResidual: Bool = true, fusesPointwiseChains: Bool = true,
    fusesReductionSinks: Bool = true, fusesGathers: Bool = true, readsSlices: Bool = true,
    operandLoads: [OperandLoad] = OperandLoad.allCases,
    mergesProjections: Bool = true, forms: [SemanticForm] = SemanticForm.allCases,
    attention: AttentionSupport = AttentionSupport(), maximumKernelInputs: Int = 16, contractionTypes: Set<String> = ["f32"],
    sparsities: Set<String> = [], integers: IntegerArithmetic = .onnxruntime
  ) {
    self.epilogueFunctions = epilogueFunctions
    self.fusesResidual = fusesResidual
    self.fusesPointwiseChains = fusesPointwiseChains
    self.fusesReductionSinks = fusesReductionSinks
    self.fusesGathers = fusesGathers
    self.readsSlices = readsSlices
    self.operandLoads = operandLoads
    self.mergesProjections = mergesProjections
    self.forms = forms
    self.attention = attention
    self.maximumKernelInputs = maximumKernelInputs
    self.contractionTypes = contractionTypes
    self.sparsities = sparsities
    self.integers = integers
  }

  /// What is left when a framework carries out one operation after the other: a bias is added by the product's kernel, nothing
  /// else fuses; attention that is one call reads and writes its heads where they lie. Slices stay what they are: frameworks make them views of their tensor.
  package var perOperation: Capabilities {
    var result = self
    result.epilogueFunctions = ["bias"]
    result.fusesResidual = false
    result.fusesPointwiseChains = false
    result.fusesReductionSinks = false
    result.fusesGathers = false
    result.operandLoads = []
    result.mergesProjections = false
    return result
  }

  /// A machine that fuses nothing: what a target without `<fusion>` says of itself.
  package static let none = Capabilities(
    epilogueFunctions: [], fusesResidual: false, fusesPointwiseChains: false, fusesReductionSinks: false, fusesGathers: false,
    readsSlices: false, operandLoads: [], mergesProjections: false, forms: [], maximumKernelInputs: 16, contractionTypes: [])
}

/// A change of an operand that costs a contraction nothing while it loads it.
package enum OperandLoad: String, Hashable, Sendable, Codable, CaseIterable {
  /// Axes in another order.
  case transpose
  /// Zeros around a convolution's input.
  case pad
}

/// A pattern of operations that recognisers make one operation of, where the target has a kernel for it.
package enum SemanticForm: String, Hashable, Sendable, Codable, CaseIterable {
  case attention
  case layerNormalization = "layer-normalization"
  case rmsNormalization = "rms-normalization"
  case groupNormalization = "group-normalization"
  case gatedUnit = "gated-unit"
  case rotaryEmbedding = "rotary-embedding"
  case pixelShuffle = "pixel-shuffle"
  case expertProduct = "expert-product"
  case recurrent
}

/// What a fused attention kernel takes beside queries, keys and values.
package struct AttentionSupport: Hashable, Sendable, Codable {
  package enum Form: String, Hashable, Sendable, Codable, CaseIterable {
    /// A tensor that hides keys or is added to the scores.
    case mask
    /// Query i sees keys up to its own position.
    case causal
    /// Several query heads share keys and values.
    case grouped
    /// Scores are bounded by c·tanh(s/c) before masks.
    case capped
    /// A score beside those of the keys takes weight away.
    case sinks
    /// The result is stored with the heads of a position side by side: the transposition behind attention costs nothing.
    case mergedHeads = "merged-heads"
  }

  package var forms: [Form]
  package var maximumHeadDimension: Int
  /// What its loads of queries, keys and values do on the way.
  package var loads: [OperandLoad]

  package init(forms: [Form] = Form.allCases, maximumHeadDimension: Int = 1 << 16, loads: [OperandLoad] = OperandLoad.allCases) {
    self.loads = loads
    self.forms = forms
    self.maximumHeadDimension = maximumHeadDimension
  }
}
