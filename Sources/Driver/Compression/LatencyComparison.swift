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
    let old = kernelsByLayer(a)
    let codebooks = codebookLayers(after)
    var slower: [CompressionReport.SlowerLayer] = []
    var kernels: [CompressionReport.KernelTime] = []
    var seen: Set<Int> = []
    for kernel in b.kernels where seen.insert(kernel.id).inserted {
      // Kernels merge and split: the time before is that of all kernels that carried out the same layers.
      let parts = Set(kernel.origin.compactMap { old[$0] })
      kernels.append(
        .init(
          nodes: kernel.origin, beforeSeconds: parts.sorted().reduce(0) { $0 + a.kernels[$1].latencySeconds },
          afterSeconds: kernel.latencySeconds))
      guard !parts.isEmpty else { continue }
      let was = parts.reduce(0) { $0 + a.kernels[$1].latencySeconds }
      guard kernel.latencySeconds > was * 1.001 else { continue }
      let note = parts.count > 1 ? "; it was \(parts.count) kernels" : ""
      // What looks like 4 bits in the file is 8 in every memory of the machine.
      let decoded = kernel.origin.contains(where: codebooks.contains) ? ", its codebook decoded ahead" : ""
      slower.append(
        .init(
          layer: kernel.origin.first ?? kernel.name, beforeSeconds: was, afterSeconds: kernel.latencySeconds,
          reason: "\(kernel.format)\(decoded), bound by \(kernel.bound.label): \(kernel.reason)\(note)"))
    }
    let added = b.kernels.filter { $0.origin.isEmpty && $0.latencySeconds > 0 }
    if !added.isEmpty {
      let seconds = added.reduce(0) { $0 + $1.latencySeconds }
      slower.append(
        .init(
          layer: "(conversions)", beforeSeconds: 0, afterSeconds: seconds,
          reason: "\(added.count) kernels convert between formats, such as '\(added[0].name)'"))
    }
    slower.sort { ($1.afterSeconds - $1.beforeSeconds, $0.layer) < ($0.afterSeconds - $0.beforeSeconds, $1.layer) }
    return CompressionReport.Latency(
      target: target, beforeSeconds: a.latencySeconds, afterSeconds: b.latencySeconds, slower: Array(slower.prefix(20)), kernels: kernels)
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

  private func kernelsByLayer(_ run: MachineRun) -> [String: Int] {
    var result: [String: Int] = [:]
    for (index, kernel) in run.kernels.enumerated() { for name in kernel.origin { result[name] = index } }
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
