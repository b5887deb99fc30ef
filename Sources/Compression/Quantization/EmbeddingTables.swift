internal import Basic
internal import IR
internal import Ops

/// Tables whose rows a model looks up, stored in few bits.
///
/// Before `%y = gather(%table, %i)`; after `%y = gather(dequantize(%stored), %i)`, which reads the rows as they are stored.
struct EmbeddingTables {
  let format: WeightFormat
  let ignored: NodeSelector?

  /// - Returns: what was done to each table, those left alone with the reason.
  func store(in model: inout CompressedModel) throws(Failure) {
    let graph = model.graph
    let users = graph.usersByValue()
    var rewriter = Rewriter(graph)
    var seen: Set<ValueID> = []
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      guard let table = table(of: node, graph), ignored?.matches(node) != true, seen.insert(table).inserted else { continue }
      if let other = users[table.index].first(where: { self.table(of: graph[$0], graph) != table }) {
        model.records.append(
          StageRecord(
            stage: QuantizeStage.schema.name, layer: node.name, action: "table left as it was",
            reason: "'\(graph[other].name)' reads it too, and not by rows"))
        continue
      }
      model.records.append(try store(table, of: node, graph, users[table.index], &rewriter))
    }
    guard !seen.isEmpty else {
      throw Failure("'embeddings' finds no table: nothing gathers rows of a constant", fix: "leave embeddings out")
    }
    rewriter.eraseDeadConstants()
    model.graph = rewriter.finish()
  }

  /// The float table a node looks rows up in; nil for any other node.
  private func table(of node: Node, _ graph: Graph) -> ValueID? {
    guard let gather = node.operation as? Gather, gather.axis == 0, let table = node.inputs[0], graph[table].constant != nil,
      let type = graph.tensorType(table), type.element == .float32, type.rank == 2, (type.constantShape?[0] ?? 0) > 1,
      node.inputs.dropFirst().allSatisfy({ $0 != table })
    else { return nil }
    return table
  }

  private func store(
    _ table: ValueID, of node: Node, _ graph: Graph, _ readers: [NodeID], _ rewriter: inout Rewriter
  ) throws(Failure) -> StageRecord {
    let name = graph[table].name
    guard let tensor = graph.constant(table).flatMap({ Tensor($0) }), case .float32(let values) = tensor.elements else {
      throw Failure("node '\(node.name)': the values of '\(name)' are not at hand", fix: "compress a model file that holds its weights")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure("node '\(node.name)': table '\(name)' holds \(values[bad]) at element \(bad)")
    }
    let scheme = format.bound(WeightLayoutAxes(output: 0, reduction: 1))
    let parameters = QuantizationParameters.forWeight(values, shape: tensor.shape, scheme, format.clipping)
    let restored = parameters.restored(values, shape: tensor.shape)
    do throws(OperatorError) {
      let inserter = QuantizationInserter(layers: [], weights: [:], activations: [])
      let stored = try inserter.restoring(restored, tensor.shape, parameters, name: name, &rewriter)
      for reader in Set(readers).sorted() { rewriter.setInput(0, of: reader, to: stored) }
    } catch { throw Failure("the table '\(name)' cannot be stored: \(error)") }
    var (signal, noise) = (0.0, 0.0)
    for (a, b) in zip(values, restored) {
      signal += Double(a) * Double(a)
      noise += Double(a - b) * Double(a - b)
    }
    return StageRecord(
      stage: QuantizeStage.schema.name, layer: node.name, action: "table \(scheme.title)",
      figures: [.init("weight_sqnr_db", decibels(signal, noise)), .init("elements", Double(values.count))])
  }
}
