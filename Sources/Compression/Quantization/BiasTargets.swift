internal import IR
internal import Ops

/// Where the mean error of a layer can be taken out: its own bias, or the constant added right behind it.
struct BiasTargets {
  struct Target {
    /// The constant with one element per channel.
    var bias: ValueID
    /// Axis of the channels in the result: 1, or -1 for the last.
    var channelAxis: Int
    /// What the bias is multiplied with.
    var factor: Float
  }

  private var targets: [NodeID: Target] = [:]

  init(_ graph: Graph, _ layers: [QuantizedLayer]) {
    let users = graph.usersByValue()
    for layer in layers {
      guard let layout = layer.weight?.layout else { continue }
      let node = graph[layer.node]
      if let slot = layout.biasInput {
        guard slot < node.inputs.count, let bias = node.inputs[slot], graph.tensorType(bias)?.rank == 1, users[bias.index].count == 1,
          graph[bias].constant != nil
        else { continue }
        let factor = (node.operation as? Gemm)?.beta ?? 1
        if factor != 0 { targets[layer.node] = Target(bias: bias, channelAxis: layout.channelAxisOfInput < 0 ? -1 : 1, factor: factor) }
        continue
      }
      // A product without a bias: a vector added to its result by the only reader.
      guard let next = users[node.outputs[0].index].first, users[node.outputs[0].index].count == 1,
        (graph[next].operation as? BinaryElementwise)?.function == .add,
        let bias = graph[next].inputs.compactMap({ $0 }).first(where: { graph[$0].constant != nil }), users[bias.index].count == 1,
        let type = graph.tensorType(bias), type.rank == 1, type.shape == graph.tensorType(node.outputs[0])?.shape.suffix(1)
      else { continue }
      targets[next] = Target(bias: bias, channelAxis: -1, factor: 1)
    }
  }

  subscript(node: NodeID) -> Target? { targets[node] }

  /// Nodes whose mean error can be taken out.
  var nodes: [NodeID] { targets.keys.sorted() }
}

extension Graph {
  /// Convolutions and Gemms among `nodes` that have no bias get one of zeros.
  func addingZeroBiases(to nodes: Set<NodeID>) -> Graph {
    var rewriter = Rewriter(self)
    for id in nodes.sorted() {
      let node = rewriter.graph[id]
      guard let operation = node.operation as? any WeightedOperator, let w = node.inputs[1],
        let type = rewriter.graph.tensorType(w), rewriter.graph[w].constant != nil, let shape = type.constantShape
      else { continue }
      let layout = operation.weightLayout(rank: shape.count)
      guard let slot = layout.biasInput, slot >= node.inputs.count || node.inputs[slot] == nil else { continue }
      let channels = rewriter.graph.tensorType(node.outputs[0])?.shape
      let axis = layout.channelAxisOfInput < 0 ? (channels?.count ?? 1) - 1 : 1
      guard let count = channels.flatMap({ $0.indices.contains(axis) ? $0[axis].constant : nil }) else { continue }
      let zeros = rewriter.addConstant(Constant(Tensor([count], floats: [Float](repeating: 0, count: count))), name: "\(node.name)_bias")
      var inputs = node.inputs
      while inputs.count <= slot { inputs.append(nil) }
      inputs[slot] = zeros
      let output = node.outputs[0]
      let replacement = rewriter.addNode(
        node.operation, inputs, types: [rewriter.graph[output].type], name: node.name, origin: node.origin,
        outputNames: [rewriter.graph[output].name])
      rewriter.replaceUses(of: output, with: rewriter.graph[replacement].outputs[0])
      rewriter.erase(id, reason: "has a bias now", heir: replacement)
    }
    return rewriter.finish()
  }
}
