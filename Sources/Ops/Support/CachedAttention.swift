package import IR

/// Attention that may read keys and values of earlier steps.
package protocol CachedAttention: Operator {
  /// Inputs that hold them where they come from outside, keys first.
  var cacheInputs: [Int] { get }
  /// Outputs with the steps of this run added; empty where the new ones are written in place.
  var cacheOutputs: [Int] { get }
}

extension ScaledDotProductAttention: CachedAttention {
  package var cacheInputs: [Int] { [1, 2] }
  package var cacheOutputs: [Int] { [] }
}

extension GroupQueryAttention: CachedAttention {
  package var cacheInputs: [Int] { [3, 4] }
  package var cacheOutputs: [Int] { [1, 2] }
}

extension MultiHeadAttention: CachedAttention {
  package var cacheInputs: [Int] { [6, 7] }
  package var cacheOutputs: [Int] { [1, 2] }
}
