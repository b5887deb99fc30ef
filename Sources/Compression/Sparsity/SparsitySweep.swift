internal import Basic
internal import IR
internal import Numerics

/// Sparsifies chosen layers in execution order, each on the inputs that the layers before it now give.
struct SparsitySweep {
  let graph: Graph
  let layers: [LinearLayer]
  let stage: SparsifyStage

  func run(_ batches: [[Datum?]], progress: (Double) -> Void) throws(Failure) -> (graph: Graph, records: [StageRecord]) {
    var records: [StageRecord] = []
    var kept: [ValueID: Int] = [:]
    var constants: [ValueID: Constant] = [:]
    let byNode = Dictionary(uniqueKeysWithValues: layers.map { ($0.node, $0) })
    let users = graph.usersByValue()
    if batches.isEmpty {
      for layer in layers { constants[layer.weight] = try prune(layer, nil, graph[layer.node], users, &kept, &records)[layer.weight] }
    } else {
      constants = try LayerwiseSweep(graph, batches: batches).run(progress: progress) { step throws(Failure) in
        guard let layer = byNode[step.id], kept[layer.weight] == nil else { return [:] }
        return try prune(layer, step, step.node, users, &kept, &records)
      }
    }
    return (encoded(constants, kept), records)
  }

  /// New weights of a layer, and a bias without its mean error.
  private func prune(
    _ layer: LinearLayer, _ step: LayerwiseSweep.Layer?, _ node: Node, _ users: [[NodeID]], _ kept: inout [ValueID: Int],
    _ records: inout [StageRecord]
  ) throws(Failure) -> [ValueID: Constant] {
    let old = try layer.tensor(in: graph)
    let before = try layer.matrices(old)
    let working = try step.map { (step) throws(Failure) in try SecondMoments.gather(layer, step.workingInput(0), of: node) }
    let moments = working?.map(\.gram)
    var after: [Matrix] = []
    var count = 0
    var (error, signal) = (0.0, 0.0)
    for (group, weights) in before.enumerated() {
      let outcome = try prune(weights, moments?[group], layer)
      after.append(outcome.weights)
      count += outcome.isKept.count { $0 }
      if let moment = moments?[group] {
        error += outputError(outcome.weights - weights, moment)
        signal += outputError(weights, moment)
      }
    }
    if let violation = SparsityLegality.violation(layer, after, stage.pattern) { throw Failure("a layer breaks its pattern: \(violation)") }
    kept[layer.weight] = count
    var figures = [StageRecord.Figure("kept_share", Double(count) / Double(max(1, layer.weightCount)))]
    if moments != nil { figures.append(.init("output_sqnr_db", decibels(signal, error))) }
    records.append(StageRecord(stage: SparsifyStage.schema.name, layer: layer.name, action: stage.pattern.description, figures: figures))
    var changes = [layer.weight: Constant(layer.tensor(after, like: old))]
    if stage.correctsBias, let step, let working, let addend = layer.addend(in: graph, users: users) {
      let exact = try SecondMoments.gather(layer, step.referenceInput(0), of: node)
      let shift = layer.meanError(exact: (before, exact), working: (after, working))
      if let bias = graph[addend].constant.flatMap({ Tensor($0) }) {
        do throws(OperatorError) { changes[addend] = Constant(try bias.adding(shift)) } catch { throw Failure("'\(layer.name)': \(error)") }
      }
    }
    return changes
  }

  private func prune(_ weights: Matrix, _ moment: Matrix?, _ layer: LinearLayer) throws(Failure) -> (weights: Matrix, isKept: [Bool]) {
    switch stage.method {
    case .magnitude:
      let isKept = WeightMask.kept(weights, stage.pattern, .magnitude, moment: nil)
      return (weights.masked(isKept), isKept)
    case .wanda:
      let isKept = WeightMask.kept(weights, stage.pattern, .weightTimesActivation, moment: moment)
      return (weights.masked(isKept), isKept)
    case .sparsegpt:
      guard let moment else { throw Failure("'\(layer.name)' has no calibration inputs") }
      do throws(LinearAlgebraError) {
        let outcome = try ColumnSweep(pattern: stage.pattern, damping: stage.damping).run(weights, moment: moment)
        return (outcome.weights, outcome.isKept)
      } catch { throw Failure("'\(layer.name)': \(error)") }
    }
  }

  /// The graph with the new constants, and the pattern in the types of the pruned weights.
  private func encoded(_ constants: [ValueID: Constant], _ kept: [ValueID: Int]) -> Graph {
    var rewriter = Rewriter(graph)
    for id in constants.keys.sorted() {
      guard var constant = constants[id], let old = graph.tensorType(id) else { continue }
      constant.type.encoding = old.encoding
      if let count = kept[id] {
        constant.type.encoding.sparsity = stage.pattern.encoding(kept: count, count: constant.type.elementCount ?? count)
      }
      rewriter.setConstant(constant, of: id)
    }
    return rewriter.finish()
  }
}
