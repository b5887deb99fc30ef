internal import Basic
internal import IR
internal import Ops

/// Feed-forward layers whose tokens choose a few of many experts (Mixtral, Qwen-MoE, OLMoE, DeepSeek-V2).
extension TransformerBlocks {
  /// Every token's best experts, their gated layers as grouped products, and the sum weighted by the router.
  mutating func routedFeedForward(_ x: ValueID, _ routing: TransformerConfig.Routing) throws(OperatorError) -> ValueID {
    let (hidden, inner, chosen) = (config.hidden, routing.inner, routing.perToken)
    let tokens = try writer.apply(Reshape(), [x, writer.integers([-1, hidden])], "tokens")
    let scores = try writer.linear(tokens, hidden, routing.count, "router", bias: false)
    let probabilities = try writer.apply(Softmax(), [scores], "router.softmax")
    let best = try writer.node(TopK(), [probabilities, writer.integers([chosen])], "router.best", outputs: 2)
    var shares = best[0]
    if routing.normalisesShares {
      let sum = try writer.apply(Reduce(.sum), [shares, writer.integers([-1])], "router.sum")
      shares = try writer.apply(BinaryElementwise(.div), [shares, sum], "router.shares")
    }
    let ids = try writer.apply(Reshape(), [best[1], writer.integers([-1])], "router.ids")

    // One row per token and chosen expert, laid out by a kernel of its own.
    let single = try writer.apply(Unsqueeze(), [tokens, writer.integers([1])], "experts.rows")
    let repeated = try writer.apply(Expand(), [single, writer.integers([1, chosen, 1])], "experts.rows")
    let rows = try writer.apply(Reshape(), [repeated, writer.integers([-1, hidden])], "experts.rows")
    let both = writer.weight("experts.gate-up.weight", [routing.count, 2 * inner, hidden])
    let wide = try writer.apply(ExpertProduct(choices: chosen), [rows, both, ids], "experts.gate-up")
    let halves = try writer.node(Split(axis: 1, parts: 2), [wide], "experts.split", outputs: 2)
    let active = try writer.activation(halves[0], config.activation, "experts.activation")
    let gated = try writer.apply(BinaryElementwise(.mul), [active, halves[1]], "experts.gated")
    let narrow = writer.weight("experts.down.weight", [routing.count, hidden, inner])
    let down = try writer.apply(ExpertProduct(choices: chosen), [gated, narrow, ids], "experts.down")
    let column = try writer.apply(Reshape(), [shares, writer.integers([-1, 1])], "router.shares")
    let weighted = try writer.apply(BinaryElementwise(.mul), [down, column], "experts.weighted")
    let parts = try writer.apply(Reshape(), [weighted, writer.integers([-1, chosen, hidden])], "experts.parts")
    var sum = try writer.apply(Reduce(.sum, keepsAxes: false), [parts, writer.integers([1])], "experts.sum")

    if let width = routing.sharedInner {
      var shared = try gatedFeedForward(tokens, inner: width, part: "shared.")
      if routing.gatesShared {
        let gate = try writer.linear(tokens, hidden, 1, "shared.share", bias: false)
        shared = try writer.apply(
          BinaryElementwise(.mul), [shared, try writer.apply(UnaryElementwise(.sigmoid), [gate], "shared.sigmoid")], "shared.weighted")
      }
      sum = try writer.add(sum, shared, "experts.all")
    }
    return try writer.apply(Reshape(), [sum, try writer.apply(ShapeOf(), [x], "shape")], "tokens")
  }
}
