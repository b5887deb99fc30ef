package import Basic
internal import Passes

/// Makes the graph canonical before anything else: constants folded, identities removed, batch normalisation in the weights, and
/// x·clip(x + 3, 0, 6)/6 as one operation, so that what lies between is not stored.
package struct FoldStage: CompressionStage {
  package static let schema = OptionSchema(
    "fold", "Folds constants and batch normalisation and names hard-swish; values are kept.",
    [OptionKey("batchnorm", .flag, "Move batch normalisation into the weights before it (default true).")])

  private let foldsBatchNormalization: Bool

  package init(_ options: OptionReader) throws(Failure) { foldsBatchNormalization = options.flag("batchnorm") ?? true }

  package var needsCalibration: Bool { false }
  package var preservesResults: Bool { true }

  /// A pass by its name; a name that the catalog lacks is an error and not left out.
  static func pass(_ name: String) throws(Failure) -> GraphPass {
    guard let pass = PassCatalog.pass(named: name) else { throw Failure("there is no pass '\(name)'") }
    return pass
  }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    var names = ["fold-constants", "remove-identities", "merge-views"]
    if foldsBatchNormalization { names.append("fold-batch-normalization") }
    names.append("recognize-hard-swish")
    let passes = try (names + ["remove-dead-nodes"]).map { (name) throws(Failure) in try Self.pass(name) }
    let passContext = PassContext(capabilities: context.capabilities, values: .exact)
    var reports: [PassManager.Report] = []
    let before = model.graph.nodeCount
    model.graph = try PassManager(passes).run(model.graph, passContext, reports: &reports)
    model.records.append(
      StageRecord(
        stage: Self.schema.name, action: "\(before) nodes became \(model.graph.nodeCount)",
        figures: reports.map { StageRecord.Figure($0.pass, Double($0.changes)) }))
  }
}
