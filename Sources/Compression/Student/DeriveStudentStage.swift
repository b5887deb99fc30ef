package import Basic
internal import IR
internal import Foundation
internal import Passes

/// Makes a smaller student of the model without training: drops the residual blocks that change their input least, narrows the
/// rest, and refits every layer to the teacher's features one after the other.
package struct DeriveStudentStage: CompressionStage {
  package static let schema = OptionSchema(
    "derive_student", "Drops residual blocks, narrows channels, and refits layer by layer to the original's features.",
    [
      OptionKey(
        "drop_blocks", .integer(0...1000), "Residual blocks to drop, those whose output is most like their input first (default 0)."),
      OptionKey("width", .number(0.05...1), "Share of the channels that stay (default 1)."),
      OptionKey("residual", .flag, "Also narrow channels that sums tie together (default false)."),
      OptionKey("match_features", .flag, "Refit every layer to the original's results (default true)."),
      OptionKey("damping", .number(0...1), "Share of the mean diagonal added to the second moments (default 0.01)."),
    ])

  let droppedBlocks: Int
  let width: Double
  let cutsJoined: Bool
  let matchesFeatures: Bool
  let damping: Double

  package init(_ options: OptionReader) throws(Failure) {
    droppedBlocks = options.integer("drop_blocks") ?? 0
    width = options.number("width") ?? 1
    cutsJoined = options.flag("residual") ?? false
    matchesFeatures = options.flag("match_features") ?? true
    damping = options.number("damping") ?? 0.01
    guard droppedBlocks > 0 || width < 1 else {
      throw Failure("'derive_student' changes nothing", at: options.location, fix: "give drop_blocks or a width below 1")
    }
  }

  package func apply(_ model: inout CompressedModel, _ context: CompressionContext) throws(Failure) {
    let teacher = model.graph
    let batches = try context.calibrationBatches(for: teacher)
    let shallow = try withoutBlocks(teacher, batches, context, &model.records)
    var pruning = ChannelPruning()
    pruning.ratios = width < 1 ? [1 - width] : []
    pruning.cutsJoined = cutsJoined
    pruning.damping = damping
    pruning.reconstructs = matchesFeatures
    let removal = try pruning.run(shallow, context) { _ in true }
    model.graph = removal.graph
    model.records += removal.records
    guard matchesFeatures else { return }
    let fit = LeastSquaresReconstruction(
      reference: teacher, working: removal.graph, layers: Set(LinearLayer.all(in: removal.graph).map(\.node)), damping: damping,
      kept: removal.kept)
    let outcome = try fit.run(batches) { context.progress("derive student", $0) }
    model.graph = removal.graph.replacing(outcome.constants)
    model.records += outcome.records(stage: Self.schema.name, action: "refitted to the original's features")
  }

  /// Blocks by how little they turn their input (1 − cosine), the least first, taken out.
  private func withoutBlocks(
    _ graph: Graph, _ batches: [[Datum?]], _ context: CompressionContext, _ records: inout [StageRecord]
  ) throws(Failure) -> Graph {
    let blocks = ResidualBlock.all(in: graph)
    guard droppedBlocks > 0 else { return graph }
    guard blocks.count >= droppedBlocks else {
      throw Failure("'derive_student' is to drop \(droppedBlocks) residual blocks, the model has \(blocks.count) that can go")
    }
    let similarity = try BlockSimilarity(graph, blocks, batches, context.runner).cosines
    let order = blocks.indices.sorted { similarity[$0] != similarity[$1] ? similarity[$0] > similarity[$1] : $0 < $1 }
    var rewriter = Rewriter(graph)
    for index in order.prefix(droppedBlocks) {
      rewriter.replaceUses(of: blocks[index].output, with: blocks[index].skip)
      records.append(
        StageRecord(
          stage: Self.schema.name, layer: graph[blocks[index].sum].name, action: "block dropped",
          figures: [.init("cosine", similarity[index])]))
    }
    var reports: [PassManager.Report] = []
    return try PassManager([try FoldStage.pass("remove-dead-nodes")]).run(rewriter.finish(), PassContext(values: .exact), reports: &reports)
  }
}

/// Mean cosine between what enters and what leaves residual blocks.
private struct BlockSimilarity {
  let cosines: [Double]

  init(_ graph: Graph, _ blocks: [ResidualBlock], _ batches: [[Datum?]], _ runner: any GraphRunner) throws(Failure) {
    let wanted = Set(blocks.flatMap { [$0.skip, $0.output] })
    var sums = [(dot: Double, a: Double, b: Double)](repeating: (0, 0, 0), count: blocks.count)
    let prepared = try runner.prepare(graph)
    for batch in batches {
      let store = Store()
      for (input, datum) in zip(graph.inputs, batch) where wanted.contains(input) { store.values[input] = datum?.tensor }
      _ = try prepared.run(batch) { value, tensor in if wanted.contains(value) { store.values[value] = tensor } }
      for (index, block) in blocks.enumerated() {
        guard case .float32(let a)? = store.values[block.skip]?.elements, case .float32(let b)? = store.values[block.output]?.elements
        else { continue }
        for (x, y) in zip(a, b) {
          sums[index].dot += Double(x) * Double(y)
          sums[index].a += Double(x) * Double(x)
          sums[index].b += Double(y) * Double(y)
        }
      }
    }
    cosines = sums.map { $0.a > 0 && $0.b > 0 ? $0.dot / ($0.a * $0.b).squareRoot() : 1 }
  }

  private final class Store { var values: [ValueID: Tensor] = [:] }
}
