internal import IR

extension GPUDescription {
  /// The fastest matrix instruction for operands of `format`; nil when the machine has none and the ordinary cores multiply.
  func fastestInstruction(for format: ElementType) -> MatrixInstruction? { fastestInstruction(.dense) { $0.contains(format) } }

  /// The fastest matrix instruction of a sparsity whose operand formats are as `takes` asks.
  func fastestInstruction(_ sparsity: Encoding.Sparsity, takes: ([ElementType]) -> Bool) -> MatrixInstruction? {
    instructions.filter { $0.sparsity == sparsity && takes($0.formats) }.max { $0.rate < $1.rate }
  }

  /// What some instruction skips the zeros of, as far as the models of products know it.
  var sparsities: [Encoding.Sparsity] {
    [.twoOfFour].filter { sparsity in instructions.contains { $0.sparsity == sparsity } }
  }
}
