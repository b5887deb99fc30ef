/// How kernels carry out a pointwise function on stored integers; a function without one is computed on restored numbers.
package enum StoredForm: Hashable, Sendable {
  /// Sums, products, comparisons and selections, with one rescaling between the scales.
  case rescaled
  /// A table with an entry for every number that eight bits store.
  case table
}
