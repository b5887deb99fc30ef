package import Basic
package import Hardware
internal import IR
package import Lowering
internal import Passes
package import Results

/// Predicts one model on one machine.
package struct Prediction: Sendable {
  package var model: ModelRequest
  package var target: String
  package var catalog: TargetCatalog
  package var overrides: [String] = []
  package var fidelity = RunRequest.Fidelity.fast

  package init(model: ModelRequest, target: String, catalog: TargetCatalog) {
    self.model = model
    self.target = target
    self.catalog = catalog
  }

  /// Loads, compiles, lowers and simulates; the result has passed `RunResult.verify`.
  package func run() throws(Failure) -> RunResult {
    var file = try catalog.load(target)
    for assignment in overrides { try file.set(assignment) }
    // The digest reads the whole file: it starts first and runs beside everything else.
    let digest = FileDigest(path: LoadedModel.resolve(model.path))
    let machine = try MachineCatalog.machine(for: file)
    let loaded = try LoadedModel(model)
    try loaded.checkBound()
    var options = Compilation.Options()
    options.capabilities = machine.capabilities
    options.precision = model.precision ?? Self.defaultPrecision(machine, loaded.graph)
    options.sparsity = model.sparsity
    let compiled = try Compilation(loaded.graph, passes: PassCatalog.predict, options: options)
    let program = try KernelProgram(compiled.graph)
    guard !program.kernels.isEmpty else {
      throw Failure("the model has no work: every node was folded", at: SourceLocation(file: loaded.graph.source.file))
    }
    let run = try machine.run(program.kernels, RunRequest(fidelity: fidelity, batch: loaded.batch))
    let assembly = ResultAssembly(
      prediction: self, target: file, loaded: loaded, options: options, compiled: compiled, program: program, run: run)
    let result = assembly.result(sha256: digest.value())
    let faults = result.verify()
    guard faults.isEmpty else { throw Failure(faults) }
    return result
  }

  /// A float32 model without a wish runs in the machine's own format, as deployment tools do.
  private static func defaultPrecision(_ machine: any Machine, _ graph: Graph) -> String? {
    let carriesFormat = graph.valueIDs.contains { graph.tensorType($0)?.encoding.quantization != nil }
    return carriesFormat ? nil : machine.defaultPrecision.rawValue
  }
}

extension LoadedModel {
  /// Inputs one run processes: the first axis of the first input.
  var batch: Int { graph.inputs.lazy.compactMap { graph.tensorType($0)?.shape.first?.constant }.first ?? 1 }
}
