internal import Basic
internal import Hardware
internal import IR
internal import Lowering
internal import Passes
internal import Results

/// Puts together what loader, compiler and machine found.
struct ResultAssembly {
  let prediction: Prediction
  let target: TargetFile
  let loaded: LoadedModel
  let options: Compilation.Options
  let compiled: Compilation
  let program: KernelProgram
  let run: MachineRun
  /// Ways to start kernels the machine knows; worth telling when there are several.
  let launches: [RunRequest.Launch]

  /// Source graphs with more nodes than this are not repeated in the result.
  private static let outlineLimit = 20_000

  func result(sha256: String) -> RunResult {
    RunResult(
      version: Version.current, model: model(sha256),
      target: TargetSummary(
        name: target.name, family: target.family, summary: target.summary, file: target.file, sha256: target.sha256),
      request: RequestSummary(
        precision: precision, formats: formats, sparsity: options.sparsity, fidelity: prediction.fidelity.rawValue,
        launch: launches.count > 1 ? prediction.launch.rawValue : nil,
        overrides: prediction.overrides),
      totals: totals, kernels: run.kernels, timeline: run.timeline, fusion: ledger,
      folded: program.folded.map { FoldedSource(name: $0.name, reason: $0.reason) }, outline: outline,
      resources: run.resources, roofline: run.roofline,
      assumptions: batchAssumption + formatAssumption + loaded.assumptions + branchAssumptions + routingAssumption + fusionAssumptions
        + run.assumptions,
      diagnostics: loaded.diagnostics + run.diagnostics)
  }

  /// What was asked for, or else the machine's usual format where anything runs in it: a pipeline of fixed-point stages has none.
  private var precision: String? {
    prediction.model.precision ?? loaded.graph.source.published.precision
      ?? options.precision.flatMap { usual in run.kernels.contains { $0.format.contains(usual) } ? usual : nil }
  }

  private var formatAssumption: [Assumption] {
    prediction.model.precision == nil ? DefaultPrecision.assumptions(loaded.graph, used: precision) : []
  }

  /// Formats of the products where the file, not the request, says them; most multiplications first.
  private var formats: String? {
    guard prediction.model.precision == nil, loaded.graph.source.published.precision == nil else { return nil }
    // Operators such as MatMulNBits have stored weights without a value that shows it.
    var isStored = DefaultPrecision.fileHasFormats(loaded.graph)
    let ran = Dictionary(run.kernels.map { ($0.id, $0.format) }) { first, _ in first }
    var work: [String: Int] = [:]
    for kernel in program.kernels {
      guard case .contraction(let product) = kernel.anchorComputation, let format = ran[kernel.id] else { continue }
      let weight = product.rhs.storage.rawValue
      isStored = isStored || product.rhs.isConstant && product.rhs.storage.bits < 16 && weight != options.precision
      // Some machines name both operands themselves, and some run a layer in another format than the file has it in.
      let isPlain = format == product.lhs.storage.rawValue && format != weight
      work[isPlain ? "\(weight) weights × \(format)" : format, default: 0] += product.macs
    }
    let names = work.keys.sorted { (work[$1] ?? 0, $0) < (work[$0] ?? 0, $1) }
    guard isStored, !names.isEmpty else { return nil }
    return names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " …" : "")
  }

  private var branchAssumptions: [Assumption] {
    compiled.graph.controlFlowNotes.map { Assumption(what: $0.what, basis: .assumed, source: $0.fix) }
  }

  private var batchAssumption: [Assumption] {
    guard let (symbols, batch) = loaded.assumedBatch else { return [] }
    let source = "neither --batch nor \(symbols.map { "--dim \($0)=…" }.joined(separator: " ")) was given"
    return [
      Assumption(what: "the leading axis of the inputs (\(symbols.joined(separator: ", "))) is \(batch)", basis: .assumed, source: source)
    ]
  }

  /// Of the numbers in `<fusion>`; those of the machine's own element are the machine's business.
  private var fusionAssumptions: [Assumption] {
    let log = ReadingLog()
    // A target whose <fusion> cannot be read has no result.
    _ = try? Capabilities(target, log: log)
    return log.numbers.assumptions
  }

  /// How many experts are read rests on it, in the prediction and in its floor, on every machine.
  private var routingAssumption: [Assumption] {
    let routed = program.kernels.filter { kernel in
      kernel.steps.contains {
        guard case .contraction(let product) = $0.computation else { return false }
        return product.experts != nil
      }
    }
    guard let first = routed.first else { return [] }
    let place = "\(routed.count) kernel\(routed.count == 1 ? "" : "s") from '\(first.name)' on"
    return [
      Assumption(
        what: "tokens choose their experts at random and alike, and the expected number of them is read (\(place))", basis: .assumed,
        source: "a model states how many experts a token takes; trained routers have favourites and touch fewer")
    ]
  }

  private func model(_ sha256: String) -> ModelSummary {
    let work = program.kernels.reduce(Work()) { $0 + $1.work }
    let weights = program.weights
    let source = loaded.graph.source
    return ModelSummary(
      name: loaded.name, format: source.format, sha256: sha256, parameters: weights.reduce(0) { $0 + $1.count },
      macs: work.macs, flops: work.flops, weightBytes: program.weightBytes,
      dims: loaded.dimensions, sourceNodes: Set(source.nodeNames).count)
  }

  private var totals: Totals {
    var moved: [String: Int] = [:]
    for kernel in run.kernels { for (level, bytes) in kernel.bytes { moved[level, default: 0] += bytes } }
    let opaque = run.kernels.reduce(0) { $0 + ($1.isOpaque ? $1.latencySeconds : 0) }
    return Totals(
      latencySeconds: run.latencySeconds, cycles: run.cycles, floorSeconds: run.floorSeconds,
      serialSeconds: run.serialSeconds,
      throughputPerSecond: run.throughputPerSecond ?? (run.latencySeconds > 0 ? Double(loaded.batch) / run.latencySeconds : 0),
      energyJoules: run.energyJoules, energyByPart: run.energyByPart.isEmpty ? nil : run.energyByPart, peakMemoryBytes: run.peakMemoryBytes,
      bytesMoved: moved,
      opaqueShare: run.latencySeconds > 0 ? min(1, opaque / run.latencySeconds) : 0, floorScope: run.floorScope,
      overhead: run.overhead)
  }

  private var ledger: FusionLedger {
    FusionLedger(
      applied: compiled.ledger.applied.map { .init(rule: $0.rule, nodes: $0.nodes) },
      missed: compiled.ledger.missed.map { .init(rule: $0.rule, nodes: $0.nodes, reason: $0.reason) })
  }

  /// The graph as the model file has it.
  private var outline: GraphOutline {
    let graph = loaded.graph
    let order = graph.topologicalOrder() ?? []
    guard order.count <= Self.outlineLimit else { return GraphOutline() }
    var position: [NodeID: Int] = [:]
    for (index, id) in order.enumerated() { position[id] = index }
    var edges: [[Int]] = []
    for (index, id) in order.enumerated() {
      let producers = graph[id].inputs.compactMap { graph.producer($0) }.compactMap { position[$0] }
      for producer in Set(producers).sorted() { edges.append([producer, index]) }
    }
    let nodes = order.map { id in
      let node = graph[id]
      return GraphOutline.Node(
        name: node.name, operation: type(of: node.operation).name,
        type: node.outputs.first.map { graph[$0].type.description } ?? "")
    }
    return GraphOutline(nodes: nodes, edges: edges)
  }
}
