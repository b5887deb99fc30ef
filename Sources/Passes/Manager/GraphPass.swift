package import Basic
package import IR

/// One named rewriting of a graph: a value in the catalog.
package struct GraphPass: Sendable {
  /// What a pass promises about the numbers.
  package enum Promise: Sendable, Hashable, CustomStringConvertible {
    case bitExact
    /// Outputs differ by at most this share of their largest magnitude.
    case values(relative: Double)
    case lossy

    package var description: String {
      switch self {
      case .bitExact: "bit exact"
      case .values(let relative): "values within \(relative) relative"
      case .lossy: "lossy"
      }
    }
  }

  package let name: String
  /// One sentence for `opt --help` and the generated list of passes.
  package let summary: String
  package let preserves: Promise
  /// Conditions whose failure the pass records as a near miss, as sentences.
  package let conditions: [String]
  /// What went wrong, for the thrown type of `run`.
  package typealias Problem = Failure
  package let run: @Sendable (inout Rewriter, PassContext) throws(Problem) -> Void

  package init(
    _ name: String, _ summary: String, preserves: Promise, conditions: [String] = [],
    run: @escaping @Sendable (inout Rewriter, PassContext) throws(Problem) -> Void
  ) {
    self.name = name
    self.summary = summary
    self.preserves = preserves
    self.conditions = conditions
    self.run = run
  }
}
