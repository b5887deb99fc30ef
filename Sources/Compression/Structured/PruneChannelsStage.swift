package import Basic
internal import IR
internal import Numerics

/// Takes whole channels or attention heads out of the model and refits the layers that read them.
package struct PruneChannelsStage: CompressionStage {
  package static let schema = OptionSchema(
    "prune_channels", "Removes channels and attention heads for good and refits the layers that read them.",
    [
      OptionKey(
        "ratio", .either([.number(0...0.95), .list(.number(0...0.95))]),
        "Share to remove, or a rising list of shares that are removed one after the other.", isRequired: true),
      OptionKey(
        "of", .choice(ChannelPruning.Measure.allCases.map(\.rawValue)),
        "What the share counts: channels of every group, or params of the model (a channel share r removes up to 1 − (1 − r)² of them).",
        isRequired: true),
      OptionKey("criterion", .choice(ChannelImportance.allCases.map(\.rawValue)), "Which channels go first (default hessian)."),
      OptionKey(
        "ranking", .choice(ChannelPruning.Ranking.allCases.map(\.rawValue)),
        "Units compete within their group, which then all lose the same share, or across the model (default group)."),
      OptionKey(
        "round_to", .either([.integer(1...4096), .choice(["target"])]),
        "What is left is a multiple of this, or of the target's tile (default 1)."),
      OptionKey("reconstruct", .choice(["least_squares", "none"]), "How readers make up for what is gone (default least_squares)."),
      OptionKey("residual", .flag, "Also cut channels that a sum of several layers ties together (default false)."),
      OptionKey("damping", .number(0...1), "Share of the mean diagonal added to the second moments (default 0.01)."),
      OptionKey("targets", .selectors, "Layers whose outputs may go (default: all)."),
      OptionKey("ignore", .selectors, "Layers whose outputs stay."),
    ])

  private var pruning = ChannelPruning()
  private let targets: NodeSelector
  private let ignored: NodeSelector?

  package init(_ options: OptionReader) throws(Failure) {
    pruning.ratios = options.numbers("ratio") ?? []
    guard pruning.ratios == pruning.ratios.sorted() else {
      throw Failure("the stages of 'ratio' must rise", at: options.location(of: "ratio"), fix: "each counts from the model as it was")
    }
    pruning.measure = options.choice("of") ?? .channels
    pruning.criterion = options.choice("criterion") ?? .hessian
    pruning.ranking = options.choice("ranking") ?? .group
    pruning.multiple = options.text("round_to") == "target" ? nil : options.integer("round_to") ?? 1
    pruning.reconstructs = options.text("reconstruct") != "none"
    pruning.cutsJoined = options.flag("residual") ?? false
    pruning.damping = options.number("damping") ?? 0.01
    targets = try options.selector("targets") ?? .everything
    ignored = try options.selector("ignore")
  }

  package var needsCalibration: Bool { pruning.needsCalibration }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let before = AxisCut([]).parameters(of: model.graph)
    let removal = try pruning.run(model.graph, context) { targets.matches($0) && ignored?.matches($0) != true }
    let after = AxisCut([]).parameters(of: removal.graph)
    model.graph = removal.graph
    model.records +=
      removal.records + [
        StageRecord(
          stage: Self.schema.name, action: "\(before) parameters became \(after)",
          figures: [.init("parameter_share", Double(after) / Double(max(1, before)))])
      ]
  }
}
