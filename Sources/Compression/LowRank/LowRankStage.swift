package import Basic
internal import IR
internal import Numerics
internal import Ops

/// Splits layers into two thinner ones along the principal directions of their outputs.
package struct LowRankStage: CompressionStage {
  package static let schema = OptionSchema(
    "low_rank", "Splits layers into two thinner ones that keep the main directions of their outputs.",
    [
      OptionKey("params", .number(0.01...1), "Share of a layer's parameters that may be left; gives the rank."),
      OptionKey("energy", .number(0.01...1), "Share of the outputs' energy to keep; gives the rank (default 0.99 without params)."),
      OptionKey("only_if_faster", .flag, "Keep layers whole that the target would not run faster in two (default true)."),
      OptionKey("targets", .selectors, "Layers to split (default: all)."),
      OptionKey("ignore", .selectors, "Layers to leave alone."),
    ])

  let parameterShare: Double?
  let energy: Double
  let onlyIfFaster: Bool
  private let targets: NodeSelector
  private let ignored: NodeSelector?

  package init(_ options: OptionReader) throws(Failure) {
    parameterShare = options.number("params")
    energy = options.number("energy") ?? 0.99
    onlyIfFaster = options.flag("only_if_faster") ?? true
    targets = try options.selector("targets") ?? .everything
    ignored = try options.selector("ignore")
  }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    if onlyIfFaster, context.latency == nil {
      throw Failure("'low_rank' asks the target whether it pays", fix: "give the recipe's key target, or only_if_faster: false")
    }
    let graph = model.graph
    var layers: [LinearLayer] = []
    for layer in LinearLayer.all(in: graph) where targets.matches(graph[layer.node]) && ignored?.matches(graph[layer.node]) != true {
      if layer.groups == 1, layer.outputs > 1, layer.inputs > 1, graph.usersByValue()[layer.weight.index].count == 1 {
        layers.append(layer)
      }
    }
    let byNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    var factors: [NodeID: LowRankFactors] = [:]
    let users = graph.usersByValue()
    let batches = try context.calibrationBatches(for: graph)
    let constants = try LayerwiseSweep(graph, batches: batches).run(progress: { context.progress("low rank", $0) }) {
      step throws(Failure) in
      guard let layer = byNode[step.id], let found = try factor(layer, step, graph) else { return [:] }
      if onlyIfFaster, try !isFaster(layer, found, graph, context) {
        model.records.append(record(layer, "left whole", found, "not faster on the target"))
        return [:]
      }
      factors[layer.node] = found
      model.records.append(record(layer, "rank \(found.a.columns) of \(min(layer.outputs, layer.inputs))", found, nil))
      return try replaced(layer, found, step, graph, users)
    }
    var result = graph.replacing(constants.filter { item in !factors.keys.contains { byNode[$0]?.weight == item.key } })
    for layer in layers { if let found = factors[layer.node] { result = try layer.split(found, in: result) } }
    model.graph = result
  }

  private func factor(_ layer: LinearLayer, _ step: LayerwiseSweep.Layer, _ graph: Graph) throws(Failure) -> LowRankFactors? {
    let weights = try layer.matrices(try layer.tensor(in: graph))[0]
    let moment = try SecondMoments.gather(layer, step.workingInput(0), of: step.node)[0].gram
    do throws(LinearAlgebraError) {
      let whole = layer.outputs * layer.inputs
      let rank =
        if let parameterShare { Int(parameterShare * Double(whole)) / (layer.outputs + layer.inputs) } else {
          try LowRankFactors.rank(weights, moment: moment, energy: energy)
        }
      // Two layers of this rank must be smaller than one.
      guard rank >= 1, rank * (layer.outputs + layer.inputs) < whole else { return nil }
      return try LowRankFactors(weights, moment: moment, rank: rank)
    } catch { throw Failure("'\(layer.name)': \(error)") }
  }

  private func isFaster(_ layer: LinearLayer, _ factors: LowRankFactors, _ graph: Graph, _ context: CompressionContext) throws(Failure)
    -> Bool
  {
    guard let latency = context.latency else { return true }
    return try latency.estimate(try layer.split(factors, in: graph)).seconds < latency.estimate(graph).seconds
  }

  /// The layer's weights as the product of its factors, and its bias without the mean error.
  private func replaced(
    _ layer: LinearLayer, _ factors: LowRankFactors, _ step: LayerwiseSweep.Layer, _ graph: Graph, _ users: [[NodeID]]
  ) throws(Failure) -> [ValueID: Constant] {
    let old = try layer.tensor(in: graph)
    let before = try layer.matrices(old)
    var changes = [layer.weight: Constant(layer.tensor([factors.product], like: old))]
    guard let addend = layer.addend(in: graph, users: users), let bias = graph[addend].constant.flatMap({ Tensor($0) }) else {
      return changes
    }
    let shift = layer.meanError(
      exact: (before, try SecondMoments.gather(layer, step.referenceInput(0), of: step.node)),
      working: ([factors.product], try SecondMoments.gather(layer, step.workingInput(0), of: step.node)))
    do throws(OperatorError) { changes[addend] = Constant(try bias.adding(shift)) } catch { throw Failure("'\(layer.name)': \(error)") }
    return changes
  }

  private func record(_ layer: LinearLayer, _ action: String, _ factors: LowRankFactors, _ reason: String?) -> StageRecord {
    let share = Double(factors.a.columns * (layer.outputs + layer.inputs)) / Double(layer.outputs * layer.inputs)
    return StageRecord(
      stage: Self.schema.name, layer: layer.name, action: action,
      figures: [.init("parameter_share", share), .init("energy", factors.energy)], reason: reason)
  }
}

extension LinearLayer {
  /// The graph with this layer as two: B with the layer's geometry and no bias, then A point by point with the bias.
  func split(_ factors: LowRankFactors, in graph: Graph) throws(Failure) -> Graph {
    var rewriter = Rewriter(graph)
    let node = rewriter.graph[node]
    let old = try tensor(in: rewriter.graph)
    let rank = factors.b.rows
    let inner = rewriter.addConstant(
      Constant(resized(outputs: rank).tensor([factors.b], like: Tensor(old.element, shape(outputs: rank), old.elements))), name: "\(name).b"
    )
    let isConvolution = old.rank > 2
    let outerShape = isConvolution ? [outputs, rank] + [Int](repeating: 1, count: old.rank - 2) : [rank, outputs]
    let outerValues = isConvolution ? factors.a : factors.a.transposed
    let outer = rewriter.addConstant(Constant(Tensor(old.element, outerShape, rounding: outerValues.elements)), name: "\(name).a")
    do throws(OperatorError) {
      let first = try rewriter.addNode(node.operation, [node.inputs[0], inner], name: "\(name).b", origin: node.origin)
      let middle = rewriter.graph[first].outputs[0]
      let spatial = old.rank - 2
      let operation: any Operator =
        if isConvolution {
          Convolve(
            strides: [Int](repeating: 1, count: spatial), dilations: [Int](repeating: 1, count: spatial),
            pads: [Int](repeating: 0, count: 2 * spatial))
        } else if bias != nil { Gemm(beta: (node.operation as? Gemm)?.beta ?? 1) } else { MatrixMultiply() }
      let second = rewriter.addNode(
        operation, [middle, outer] + (bias.map { [$0] } ?? []), types: [rewriter.graph[node.outputs[0]].type], name: "\(name).a",
        origin: node.origin, outputNames: [rewriter.graph[node.outputs[0]].name])
      rewriter.replaceUses(of: node.outputs[0], with: rewriter.graph[second].outputs[0])
      rewriter.erase(self.node, reason: "split in two", heir: second)
    } catch { throw Failure("'\(name)' cannot be split: \(error)") }
    rewriter.eraseDeadConstants()
    return rewriter.finish()
  }
}
