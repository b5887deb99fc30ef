extension Graph {
  /// The weights of a graph that is a region: constants of its own and of the regions its computation counts. Small integers are
  /// extents or axes.
  package var storedConstants: [(name: String, constant: Constant)] {
    let own = valueIDs.compactMap { id -> (name: String, constant: Constant)? in
      guard let constant = self[id].constant, constant.shapeContents == nil else { return nil }
      return (self[id].name, constant)
    }
    return own + nodeIDs.flatMap { storedConstants(inRegionsOf: self[$0]) }
  }

  /// Weights that lie in the regions of a node: of two branches those of the one that is counted.
  package func storedConstants(inRegionsOf node: Node) -> [(name: String, constant: Constant)] {
    guard !node.regions.isEmpty else { return [] }
    return node.operation.countedRegions(operandTypes(of: node)).flatMap { node.regions[$0].storedConstants }
  }

  /// Nodes in the counted regions of a node whose work cannot be told: extents that only the data give.
  package func uncounted(inRegionsOf node: Node) -> Int {
    guard !node.regions.isEmpty, node.operation.fusionRule == nil else { return 0 }
    return node.operation.countedRegions(operandTypes(of: node)).reduce(0) { sum, index in
      let region = node.regions[index]
      return region.nodeIDs.reduce(sum) { sum, id in
        let inner = region[id]
        return sum + (region.computation(of: inner) == nil ? 1 : region.uncounted(inRegionsOf: inner))
      }
    }
  }
}
