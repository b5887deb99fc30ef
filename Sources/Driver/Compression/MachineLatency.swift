package import Basic
package import Compression
package import Hardware
package import IR
internal import Lowering
internal import Passes

/// Predictions of one machine for compression stages that ask whether a change pays.
package struct MachineLatency: LatencyOracle {
  private let machine: any Machine
  /// Number that symbolic extents of the inputs stand for.
  private let batch: Int

  package init(_ target: TargetFile, batch: Int = 1) throws(Failure) {
    machine = try MachineCatalog.machine(for: target)
    self.batch = batch
  }

  package var capabilities: Capabilities { machine.capabilities }

  package func estimate(_ graph: Graph) throws(Failure) -> LatencyEstimate {
    let symbols = graph.inputs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }
    let extents = Dictionary(uniqueKeysWithValues: symbols.map { ($0, batch) })
    var rewriter = Rewriter(graph)
    for value in graph.valueIDs { rewriter.setType(graph[value].type.bound(extents), of: value) }
    var options = Compilation.Options()
    options.capabilities = machine.capabilities
    DefaultPrecision.set(&options, asked: nil, machine, graph)
    let compiled = try Compilation(rewriter.finish(), passes: PassCatalog.predict, options: options)
    let program = try KernelProgram(compiled.graph, readsSlices: machine.capabilities.readsSlices)
    let run = try machine.run(program.kernels, RunRequest(batch: batch))
    var layers: [String: Double] = [:]
    for kernel in run.kernels { for name in kernel.origin { layers[name, default: 0] += kernel.latencySeconds } }
    return LatencyEstimate(seconds: run.latencySeconds, layers: layers)
  }
}
