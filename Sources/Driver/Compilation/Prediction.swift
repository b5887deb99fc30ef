package import Basic
package import Hardware
internal import IR
package import Lowering
internal import Ops
internal import Passes
package import Results

/// Predicts one model on one machine.
package struct Prediction: Sendable {
  package var model: ModelRequest
  package var target: String
  package var catalog: TargetCatalog
  package var overrides: [String] = []
  package var fidelity = RunRequest.Fidelity.fast
  package var launch = RunRequest.Launch.graph
  /// Told what is being done and which share of the whole is behind it.
  package var progress: @Sendable (String, Double) -> Void = { _, _ in }

  package init(model: ModelRequest, target: String, catalog: TargetCatalog) {
    self.model = model
    self.target = target
    self.catalog = catalog
  }

  /// Loads, compiles, lowers and simulates; the result has passed `RunResult.verify`.
  package func run() throws(Failure) -> RunResult {
    try run(on: try catalog.load(target))
  }

  /// As `run()`, on a target that is already read.
  package func run(on target: TargetFile) throws(Failure) -> RunResult {
    var file = target
    let recipe = try model.recipe.map { path throws(Failure) in try CompressionRun.recipe(path) }
    let settings = (recipe?.machine ?? []) + overrides
    for assignment in settings { try file.set(assignment) }
    // The digest reads the whole file: it starts first and runs beside everything else.
    let digest = FileDigest(path: LoadedModel.resolve(model.path))
    let machine = try MachineCatalog.machine(for: file)
    let launches = type(of: machine).launches
    guard launches.contains(launch) else {
      throw Failure("\(file.name) has no host that starts kernels one by one", fix: "leave --launch \(launch.rawValue) out")
    }
    progress("reading \(model.path)", 0)
    var loaded = try LoadedModel(model, assumesBatch: true)
    try loaded.checkBound()
    if let recipe {
      var compression = CompressionRun(model: model, recipe: recipe)
      compression.progress = progress
      compression.calibration = model.calibration
      loaded.graph = try compression.compress(loaded.graph, machine, latency: MachineLatency(file)).graph
    }
    var options = Compilation.Options()
    options.capabilities = launch == .eager ? machine.capabilities.perOperation : machine.capabilities
    DefaultPrecision.set(&options, asked: model.precision, machine, loaded.graph)
    options.sparsity = model.sparsity
    let attempt: PredictionAttempt
    var verdicts: [SparsityVerdict]?
    if let sparsity = model.sparsity {
      (attempt, verdicts) = try sparse(loaded, machine, &options, name: sparsity)
    } else {
      attempt = try PredictionAttempt(loaded, machine, options, request, at: file.root.location, progress)
    }
    var applied = self
    applied.overrides = settings
    let assembly = ResultAssembly(
      prediction: applied, target: file, loaded: loaded, options: options, compiled: attempt.compiled, program: attempt.program,
      run: attempt.run, launches: launches)
    var result = assembly.result(sha256: digest.value())
    result.sparsity = verdicts
    try attempt.run.checkFits(on: file, weightBytes: result.model.weightBytes)
    let faults = result.verify()
    guard faults.isEmpty else { throw Failure(faults) }
    return result
  }

  private var request: RunRequest { RunRequest(fidelity: fidelity, launch: launch) }

  /// Times the model dense and sparse, keeps sparse what pays, and says of each layer why.
  private func sparse(
    _ loaded: LoadedModel, _ machine: any Machine, _ options: inout Compilation.Options, name: String
  ) throws(Failure) -> (PredictionAttempt, [SparsityVerdict]) {
    var denseOptions = options
    denseOptions.sparsity = nil
    let study = SparsityStudy(
      dense: try PredictionAttempt(loaded, machine, denseOptions, request, progress),
      sparse: try PredictionAttempt(loaded, machine, options, request, progress), capabilities: machine.capabilities, name: name)
    let verdicts = study.verdicts
    options.denseLayers = study.denseLayers(verdicts)
    return (try PredictionAttempt(loaded, machine, options, request, progress), verdicts)
  }
}

/// One way through the compiler and the machine.
struct PredictionAttempt {
  let compiled: Compilation
  let program: KernelProgram
  let run: MachineRun

  init(
    _ loaded: LoadedModel, _ machine: any Machine, _ options: Compilation.Options, _ request: RunRequest,
    at place: SourceLocation? = nil, _ progress: @Sendable (String, Double) -> Void = { _, _ in }
  ) throws(Failure) {
    progress("compiling \(loaded.graph.name)", 0.2)
    (compiled, program) = try Self.compile(loaded, options, request.launch)
    var request = request
    request.batch = loaded.batch
    progress("simulating \(program.kernels.count) kernels", 0.6)
    do throws(Failure) { run = try machine.run(program.kernels, request) } catch {
      throw place.map { error.located(at: $0) } ?? error
    }
  }

  /// The kernels of a model under options, without a run.
  static func program(_ loaded: LoadedModel, _ options: Compilation.Options, _ launch: RunRequest.Launch) throws(Failure) -> KernelProgram {
    try compile(loaded, options, launch).program
  }

  private static func compile(
    _ loaded: LoadedModel, _ options: Compilation.Options, _ launch: RunRequest.Launch
  ) throws(Failure) -> (compiled: Compilation, program: KernelProgram) {
    let compiled = try Compilation(loaded.graph, passes: launch == .eager ? PassCatalog.eager : PassCatalog.predict, options: options)
    let program = try KernelProgram(compiled.graph, readsSlices: options.capabilities.readsSlices)
    guard !program.kernels.isEmpty else {
      throw Failure("the model has no work: every node was folded", at: SourceLocation(file: loaded.graph.source.file))
    }
    return (compiled, program)
  }
}

extension LoadedModel {
  /// Inputs one run processes: the first axis of the first input.
  var batch: Int { graph.inputs.lazy.compactMap { graph.tensorType($0)?.shape.first?.constant }.first ?? 1 }
}
