/// What a target can execute and fuse, as a plain value: how passes stay free of hardware.
package struct Capabilities: Hashable, Sendable, Codable {
  /// Pointwise functions that a contraction kernel can apply to its result before storing it; `*` allows all, `bias` an added constant.
  package var epilogueFunctions: Set<String>
  /// A second tensor (residual) may be added in the epilogue.
  package var fusesResidual: Bool
  /// Chains of pointwise computations become one kernel.
  package var fusesPointwiseChains: Bool
  /// A reduction may end a chain of pointwise computations.
  package var fusesReductionSinks: Bool
  /// A contraction reads a transposed operand in place.
  package var fusesOperandTransposes: Bool
  /// Softmax(QKᵀ)V runs as one kernel.
  package var fusesAttention: Bool
  /// Largest head dimension of the fused attention kernel.
  package var maximumHeadDimension: Int
  /// Largest number of tensors one kernel may read.
  package var maximumKernelInputs: Int
  /// Element types contractions can execute, by storage spelling (`f16`, `i8` …).
  package var contractionTypes: Set<String>
  /// Structured sparsities contractions can execute, such as `2:4`.
  package var sparsities: Set<String>
  /// Channel counts of contractions run without waste when they are a multiple of this: the tile of the multiplier array.
  package var contractionMultiple = 1
  /// How stored integers are multiplied, added up and rounded.
  package var integers: IntegerArithmetic

  package init(
    epilogueFunctions: Set<String> = ["*"], fusesResidual: Bool = true, fusesPointwiseChains: Bool = true,
    fusesReductionSinks: Bool = true, fusesOperandTransposes: Bool = true, fusesAttention: Bool = true, maximumHeadDimension: Int = 256,
    maximumKernelInputs: Int = 16, contractionTypes: Set<String> = ["f32"], sparsities: Set<String> = [],
    integers: IntegerArithmetic = .onnxruntime
  ) {
    self.epilogueFunctions = epilogueFunctions
    self.fusesResidual = fusesResidual
    self.fusesPointwiseChains = fusesPointwiseChains
    self.fusesReductionSinks = fusesReductionSinks
    self.fusesOperandTransposes = fusesOperandTransposes
    self.fusesAttention = fusesAttention
    self.maximumHeadDimension = maximumHeadDimension
    self.maximumKernelInputs = maximumKernelInputs
    self.contractionTypes = contractionTypes
    self.sparsities = sparsities
    self.integers = integers
  }

  /// What is left when a framework carries out one operation after the other: a bias is added by the product's kernel, nothing
  /// else fuses.
  package var perOperation: Capabilities {
    var result = self
    result.epilogueFunctions = ["bias"]
    result.fusesResidual = false
    result.fusesPointwiseChains = false
    result.fusesReductionSinks = false
    result.fusesOperandTransposes = false
    result.fusesAttention = false
    return result
  }
}
