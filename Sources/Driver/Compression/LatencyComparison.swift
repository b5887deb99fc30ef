internal import Basic
internal import Frontend
internal import IR
internal import Lowering
internal import Ops
internal import Results

/// Predicts a model before and after compression on one machine, and finds the layers that became slower.
struct LatencyComparison {
  let machine: any Machine
  let target: String
  /// The model file; unbound dimensions are taken as 1.
  let loaded: LoadedModel

  /// - Parameter a: the prediction of the original.
  func compare(_ a: MachineRun, _ after: Graph) throws(Failure) -> CompressionReport.Latency {
    let b = try predict(after)
    let slower = SlowerLayers(before: a, after: b, codebooks: codebookLayers(after))
    let kernels = b.kernels.map { kernel in
      CompressionReport.KernelTime(
        nodes: kernel.origin, beforeSeconds: slower.parts(of: kernel).reduce(0) { $0 + a.kernels[$1].latencySeconds },
        afterSeconds: kernel.latencySeconds)
    }
    return CompressionReport.Latency(
      target: target, beforeSeconds: a.latencySeconds, afterSeconds: b.latencySeconds, slower: Array(slower.rows.prefix(20)),
      kernels: kernels)
  }

  /// Layers whose weights are positions in tables that the machine does not read.
  private func codebookLayers(_ graph: Graph) -> Set<String> {
    var result: Set<String> = []
    for id in graph.nodeIDs {
      let node = graph[id]
      guard node.operation is any WeightedOperator, node.inputs.count > 1,
        let (dequantize, _) = graph.producer(node.inputs[1], as: Dequantize.self),
        let (gather, _) = graph.producer(graph[dequantize].inputs[0], as: Gather.self), let table = graph.constant(graph[gather].inputs[0]),
        (table.type.elementCount ?? 0) > machine.capabilities.weightPalette
      else { continue }
      result.formUnion(node.origin.names)
    }
    return result
  }

  func predict(_ graph: Graph) throws(Failure) -> MachineRun {
    let symbols = graph.inputs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }
    do throws(Failure) { return try predict(graph, symbols) } catch {
      guard !symbols.isEmpty, var first = error.diagnostics.first, first.fix == nil else { throw error }
      // Windows may not fit what was left open.
      first.fix = "open dimensions were taken as 1; bind them: " + symbols.sorted().map { "--dim \($0)=N" }.joined(separator: " ")
      throw Failure([first] + error.diagnostics.dropFirst())
    }
  }

  private func predict(_ graph: Graph, _ symbols: Set<String>) throws(Failure) -> MachineRun {
    var bound = loaded
    bound.graph = try graph.bindingInputs(Dictionary(uniqueKeysWithValues: symbols.map { ($0, 1) }), file: loaded.graph.source.file)
    var options = Compilation.Options()
    options.capabilities = machine.capabilities
    DefaultPrecision.set(&options, asked: nil, machine, bound.graph)
    return try PredictionAttempt(bound, machine, options, RunRequest(batch: bound.batch)).run
  }
}
