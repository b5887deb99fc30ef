internal import Hardware
package import Results

extension Sequence<ReadNumber> {
  /// Every number that is not from the vendor's documents, with where it comes from.
  package var assumptions: [Assumption] {
    filter { $0.basis > .documented }.map { Assumption(what: $0.statement, basis: $0.basis, source: $0.source) }
  }
}
