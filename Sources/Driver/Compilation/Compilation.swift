package import Basic
package import IR
package import Passes

/// A model taken through a pipeline for a machine.
package struct Compilation: Sendable {
  package var graph: Graph
  package var ledger: FusionRecords
  package var reports: [PassManager.Report]

  /// What the passes are told.
  package struct Options: Sendable {
    package var capabilities = Capabilities()
    package var values: PassContext.Values = .structural
    package var precision: String?
    package var sparsity: String?
    /// Layers kept dense although sparsity is asked for.
    package var denseLayers: Set<String> = []
    /// Layers whose products stay in 16 bits although fewer are asked for.
    package var plainLayers: Set<String> = []
    package var manager = PassManager.Options()

    package init() {}
  }

  package init(
    _ graph: Graph, passes: [GraphPass], options: Options, observer: PassManager.Observer? = nil
  ) throws(Failure) {
    let context = PassContext(
      capabilities: options.capabilities, values: options.values, precision: try Self.precision(options.precision),
      sparsity: try Self.sparsity(options.sparsity), denseLayers: options.denseLayers,
      plainLayers: options.plainLayers)
    reports = []
    self.graph = try PassManager(passes, options: options.manager).run(graph, context, reports: &reports, observer: observer)
    ledger = context.ledger
  }

  private static func precision(_ name: String?) throws(Failure) -> PrecisionRequest? {
    guard let name else { return nil }
    if let request = PrecisionRequest.named(name) { return request }
    let known = PrecisionRequest.spellings.keys.sorted()
    let near = nearestSpelling(to: name, in: known).map { "did you mean \($0)?" }
    throw Failure("--precision \(name) is not known", fix: near ?? "one of \(known.joined(separator: ", "))")
  }

  private static func sparsity(_ text: String?) throws(Failure) -> Encoding.Sparsity? {
    guard let text else { return nil }
    guard let sparsity = Encoding.Sparsity(ratio: text) else {
      throw Failure("--sparsity \(text) is not understood", fix: "write kept:of, such as 2:4")
    }
    return sparsity
  }
}
