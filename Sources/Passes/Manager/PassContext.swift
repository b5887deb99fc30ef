package import IR

/// What a pass may look at beside the graph, and where it writes what it noticed.
package final class PassContext {
  /// Whether weights are computed or only their types: a prediction needs no weight values and must not touch their bytes.
  package enum Values: Sendable { case exact, structural }

  /// What the target executes and fuses.
  package let capabilities: Capabilities
  package let values: Values
  package let precision: PrecisionRequest?
  package let sparsity: Encoding.Sparsity?
  /// Source nodes whose weights stay dense although sparsity is asked for, because it would not pay.
  package let denseLayers: Set<String>
  /// Source nodes whose products stay in 16 bits although fewer are asked for.
  package let plainLayers: Set<String>
  /// Fusion rules that applied and nearly applied, in order.
  package var ledger = FusionRecords()
  /// How often each named rewrite happened, for `--pass-statistics`.
  package private(set) var counts: [String: Int] = [:]

  package init(
    capabilities: Capabilities = Capabilities(), values: Values = .exact, precision: PrecisionRequest? = nil,
    sparsity: Encoding.Sparsity? = nil, denseLayers: Set<String> = [], plainLayers: Set<String> = []
  ) {
    self.capabilities = capabilities
    self.values = values
    self.precision = precision
    self.sparsity = sparsity
    self.denseLayers = denseLayers
    self.plainLayers = plainLayers
  }

  package func count(_ rewrite: String) { counts[rewrite, default: 0] += 1 }
}

/// The fusion ledger: every applied rule with its source nodes, every near miss with the first condition that failed.
package struct FusionRecords: Sendable, Hashable {
  package struct Applied: Sendable, Hashable {
    package var rule: String
    package var nodes: [String]
  }

  package struct Missed: Sendable, Hashable {
    package var rule: String
    package var nodes: [String]
    package var reason: String
  }

  package private(set) var applied: [Applied] = []
  package private(set) var missed: [Missed] = []

  package mutating func apply(_ rule: String, _ nodes: [String]) { applied.append(Applied(rule: rule, nodes: nodes)) }

  package mutating func miss(_ rule: String, _ nodes: [String], _ reason: String) {
    missed.append(Missed(rule: rule, nodes: nodes, reason: reason))
  }
}
