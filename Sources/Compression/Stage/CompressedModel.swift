package import IR

/// A model on its way through the stages.
package struct CompressedModel: Sendable {
  /// As it is now.
  package var graph: Graph
  /// Before the first stage: what accuracy is measured against.
  package let original: Graph
  /// After the stages that only rearrange it (folded, channels balanced): the same results by the tensors that later stages store.
  package var reference: Graph
  /// What the stages did, in order.
  package var records: [StageRecord] = []

  package init(_ graph: Graph) {
    self.graph = graph
    original = graph
    reference = graph
  }
}

/// What a stage did to one layer, with the figures that led to it.
package struct StageRecord: Sendable, Hashable, Codable {
  package struct Figure: Sendable, Hashable, Codable {
    package var name: String
    package var value: Double

    package init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// Spelling of the stage in recipes.
  package var stage: String
  /// Name of the node; empty for the whole model.
  package var layer: String
  /// What happened, such as `int8 per channel`, `2:4`, `left as it was`.
  package var action: String
  package var figures: [Figure]
  /// Why, where that is not plain.
  package var reason: String?

  package init(stage: String, layer: String = "", action: String, figures: [Figure] = [], reason: String? = nil) {
    self.stage = stage
    self.layer = layer
    self.action = action
    self.figures = figures
    self.reason = reason
  }
}
