internal import Basic
package import IR
package import Ops

/// Layers that are quantised alike.
package struct QuantizationGroup: Sendable {
  package var name: String
  package var targets: NodeSelector
  package var weights: WeightFormat?
  package var activations: ActivationFormat?

  static let keys = [
    OptionKey("targets", .selectors, "Operators (Conv), nodes, or re: patterns (default every layer)."),
    OptionKey("weights", .object(WeightFormat.schema), "How weights are stored; absent leaves them."),
    OptionKey("activations", .object(ActivationFormat.schema), "How activations are stored; absent leaves them."),
  ]

  init(_ name: String, _ options: OptionReader) throws(Failure) {
    self.name = name
    targets =
      try options.texts("targets").map { (entries) throws(Failure) in
        try NodeSelector(entries, at: options.location(of: "targets"))
      } ?? .everything
    weights = try options.object("weights").map { (reader) throws(Failure) in try WeightFormat(reader) }
    activations = try options.object("activations").map { (reader) throws(Failure) in try ActivationFormat(reader) }
    guard weights != nil || activations != nil else {
      throw Failure("the group '\(name)' quantises nothing", at: options.location, fix: "give weights, activations or both")
    }
  }
}

/// One layer that is quantised.
package struct QuantizedLayer: Sendable {
  package var node: NodeID
  /// The constant weight and its axes; nil for a product of two activations.
  package var weight: (value: ValueID, layout: WeightLayout, scheme: QuantizationScheme, clipping: WeightClipping)?
  package var activations: ActivationFormat?
  /// Values it reads as activations.
  package var inputs: [ValueID]
}

extension QuantizedLayer {
  /// Fails on a weight that is not finite, naming layer, weight and element.
  func checkWeight(of graph: Graph) throws(Failure) {
    guard let value = weight?.value, let constant = graph.constant(value), let tensor = Tensor(constant),
      case .float32(let values) = tensor.elements, let bad = values.firstIndex(where: { !$0.isFinite })
    else { return }
    throw Failure("node '\(graph[node].name)': weight '\(graph[value].name)' holds \(values[bad]) at element \(bad)")
  }

  /// The layers of a graph that groups name, each by the first group that matches.
  static func find(_ graph: Graph, _ groups: [QuantizationGroup], ignoring ignored: NodeSelector?) -> [QuantizedLayer] {
    (graph.topologicalOrder() ?? []).compactMap { id in
      let node = graph[id]
      guard let operation = node.operation as? any WeightedOperator, node.inputs.count >= 2, ignored?.matches(node) != true,
        let x = node.inputs[0], let w = node.inputs[1], graph.tensorType(x)?.element == .float32,
        let type = graph.tensorType(w), type.element == .float32, type.rank >= 2,
        let group = groups.first(where: { $0.targets.matches(node) })
      else { return nil }
      guard graph[w].constant != nil else {
        guard let activations = group.activations, activations.coversResults else { return nil }
        return QuantizedLayer(node: id, weight: nil, activations: activations, inputs: [x, w])
      }
      guard graph[x].constant == nil else { return nil }
      let layout = operation.weightLayout(rank: type.rank)
      let axes = WeightLayoutAxes(output: layout.outputAxis, reduction: layout.reductionAxes.first ?? 0)
      let weight = group.weights.map { (w, layout, $0.bound(axes), $0.clipping) }
      return QuantizedLayer(node: id, weight: weight, activations: group.activations, inputs: [x])
    }
  }
}
