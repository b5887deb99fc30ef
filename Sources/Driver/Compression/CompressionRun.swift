package import Basic
package import Compression
package import Hardware
internal import IR
internal import Lowering
package import Recipes

/// One model through one recipe: what `compress` does.
package struct CompressionRun: Sendable {
  package var model: ModelRequest
  package var recipe: Recipe
  /// Overrides the recipe's own data, where given.
  package var calibration: String?
  package var evaluation: String?
  package var target: String?
  package var catalog: TargetCatalog?
  package var progress: @Sendable (String, Double) -> Void = { _, _ in }
  /// Samples on which integers are compared with rounded real numbers.
  package var integerSamples = 32

  package init(model: ModelRequest, recipe: Recipe) {
    self.model = model
    self.recipe = recipe
  }

  /// Reads a recipe; paths in it are relative to its folder.
  package static func recipe(_ path: String) throws(Failure) -> Recipe {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var recipe = try Recipe(try FileOutput.readText(path, limit: 1 << 20), file: path)
    let folder = path.dropLast(name.count)
    func resolved(_ file: String?) -> String? { file.map { $0.hasPrefix("/") ? $0 : folder + $0 } }
    recipe.model = resolved(recipe.model)
    recipe.calibration.data = resolved(recipe.calibration.data)
    let evaluated = resolved(recipe.evaluation?.data)
    recipe.evaluation?.data = evaluated
    return recipe
  }

  /// Runs the stages and measures; writes nothing.
  package func run() throws(Failure) -> (model: CompressedModel, report: CompressionReport) {
    let loaded = try LoadedModel(model)
    let machine = try self.machine()
    // What the machine cannot run fails before the work, not after it.
    let comparison = machine.map { LatencyComparison(machine: $0.machine, target: target ?? recipe.target ?? "", loaded: loaded) }
    let before = try comparison.map { (comparison) throws(Failure) in try comparison.predict(loaded.graph) }
    let compressed = try compress(loaded.graph, machine?.machine, latency: machine?.latency)
    var report = CompressionReport(model: loaded.name, recipe: recipe.file, seed: recipe.calibration.seed)
    report.records = compressed.records
    report.sizeBefore = PackedSize(compressed.original)
    report.sizeAfter = PackedSize(compressed.graph)
    report.arithmetic = machine?.machine.capabilities.integers ?? .onnxruntime
    try measure(compressed, &report)
    if let comparison, let before {
      // A format the machine does not have is no reason to lose the model and what was measured of it.
      do throws(Failure) { report.latency = try comparison.compare(before, compressed.graph) } catch {
        report.latencyRefusal = error.diagnostics.first.map { $0.message + ($0.fix.map { " (\($0))" } ?? "") } ?? "the target cannot run it"
      }
    }
    report.judge(recipe.evaluation?.goals ?? [])
    return (compressed, report)
  }

  private func machine() throws(Failure) -> (machine: any Machine, latency: MachineLatency)? {
    guard let name = target ?? recipe.target else { return nil }
    guard let catalog else { throw Failure("the target '\(name)' needs a folder of machine descriptions", fix: "pass --targets") }
    var file = try catalog.load(name)
    for assignment in recipe.machine { try file.set(assignment) }
    return (try MachineCatalog.machine(for: file), try MachineLatency(file))
  }

  /// The stages alone.
  func compress(_ graph: Graph, _ machine: (any Machine)?, latency: MachineLatency?) throws(Failure) -> CompressedModel {
    var context = CompressionContext(capabilities: machine?.capabilities ?? PlacementRules.onnxruntime)
    context.batch = recipe.calibration.batch
    context.seed = UInt64(recipe.calibration.seed)
    context.progress = progress
    context.latency = latency
    if let path = calibration ?? recipe.calibration.data {
      context.calibration = try SampleFile.read(path, for: graph, limit: recipe.calibration.samples)
    } else if let stage = recipe.stages.first(where: { $0.stage.needsCalibration }) {
      throw Failure("'\(stage.name)' needs calibration data", at: stage.location, fix: "give --calibration or the key calibration.data")
    }
    return try recipe.run(CompressedModel(graph), context)
  }

  private func measure(_ compressed: CompressedModel, _ report: inout CompressionReport) throws(Failure) {
    let data = evaluation ?? recipe.evaluation?.data ?? calibration ?? recipe.calibration.data
    guard let data else { return }
    let samples = try SampleFile.read(data, for: compressed.original, limit: recipe.evaluation?.samples)
    report.evaluationData = data.split(separator: "/").last.map(String.init) ?? data
    let measure = AccuracyMeasure(progress: progress)
    report.accuracy = try measure.run(compressed.graph, against: compressed.original, on: samples)
    guard IntegerReport.applies(to: compressed.graph) else { return }
    let few = samples.prefix(min(samples.count, integerSamples), for: compressed.graph)
    let size = min(16, few.usualBatch)
    report.integers = try IntegerComparison(report.arithmetic)
      .run(
        compressed.graph, original: compressed.reference, batches: try few.batches(of: size, for: compressed.graph),
        exactBatches: try few.batches(of: size, for: compressed.reference))
    if let limit = recipe.evaluation?.warnsBelow { report.warn(below: limit) }
  }
}

extension CompressionRun {
  /// Scales, zero points and requantisation factors as JSON.
  package static func encodings(_ model: CompressedModel, _ report: CompressionReport) throws(Failure) -> [UInt8] {
    do { return try EncodingsFile(model.graph, report.arithmetic).encoded() } catch {
      throw Failure("the encodings cannot be written as JSON: \(error)")
    }
  }
}
