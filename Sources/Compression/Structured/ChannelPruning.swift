package import Basic
package import IR
internal import Numerics

/// Structured pruning: which units go at each step, their removal, and the refit of the layers that read them.
package struct ChannelPruning: Sendable {
  /// What a ratio counts.
  package enum Measure: String, Sendable, CaseIterable { case channels, params }

  /// Among whom the least important units are looked for.
  package enum Ranking: String, Sendable, CaseIterable {
    /// Every group loses the same share.
    case group
    /// The units of all groups by the share of their group's importance they carry; no group loses more than nine tenths.
    case model
  }

  /// Shares that are gone after each step, counted from the graph as it was.
  package var ratios: [Double] = []
  package var measure = Measure.channels
  package var ranking = Ranking.group
  package var criterion = ChannelImportance.hessian
  /// What is left is a multiple of this; nil: of the target's tile.
  package var multiple: Int? = 1
  package var reconstructs = true
  /// Also channels that a sum of several layers ties together.
  package var cutsJoined = false
  package var damping = 0.01

  package init() {}

  package var needsCalibration: Bool { reconstructs || criterion.needsCalibration }

  /// - Parameter isWanted: whether the outputs of a layer's node may go.
  package func run(_ original: Graph, _ context: CompressionContext, isWanted: (Node) -> Bool) throws(Failure) -> ChannelRemoval {
    let batches = needsCalibration ? try context.calibrationBatches(for: original) : []
    var removal = ChannelRemoval(original)
    for (index, ratio) in ratios.enumerated() {
      let plan = try plan(removal, ratio, batches, context, isWanted)
      guard !plan.units.isEmpty else {
        removal.records.append(StageRecord(stage: PruneChannelsStage.schema.name, action: "nothing to remove at \(ratio)", figures: []))
        continue
      }
      removal.records += plan.records
      try removal.remove(plan.units)
      guard reconstructs else { continue }
      let fit = LeastSquaresReconstruction(
        reference: original, working: removal.graph, layers: plan.readers, damping: damping, kept: removal.kept)
      let outcome = try fit.run(batches) { context.progress("prune channels, step \(index + 1)", $0) }
      removal.graph = removal.graph.replacing(outcome.constants)
      removal.records += outcome.records(stage: PruneChannelsStage.schema.name, action: "refitted")
    }
    // One run shows that every shape still fits.
    if let batch = batches.first { _ = try context.runner.run(removal.graph, batch) }
    return removal
  }

  private struct Plan {
    var units: [DependencyGraph.Unit] = []
    var readers: Set<NodeID> = []
    var records: [StageRecord] = []
  }

  /// The units that go to reach a ratio, counted from the original.
  private func plan(
    _ removal: ChannelRemoval, _ ratio: Double, _ batches: [[Datum?]], _ context: CompressionContext, _ isWanted: (Node) -> Bool
  ) throws(Failure) -> Plan {
    let graph = removal.graph
    let groups = ChannelGroup.all(in: graph).filter { canCut($0) && $0.producers.allSatisfy { isWanted(graph[$0.node]) } }
    let layers = groups.flatMap(\.consumers)
    let moments = criterion.needsCalibration ? try SecondMoments(graph, layers, batches: batches, runner: context.runner) : nil
    var ordered: [(group: ChannelGroup, order: [Int])] = []
    var scores: [[Double]] = []
    for group in groups {
      let own = try criterion.scores(group, in: graph, moments)
      scores.append(own)
      ordered.append((group, own.indices.sorted { (own[$0], $0) < (own[$1], $1) }))
    }
    let competition = ranking == .model ? UnitCompetition(scores, originals: groups.map { removal.originalCount($0) }) : nil
    let tile = multiple ?? max(1, context.capabilities.contractionMultiple)
    func chosen(_ share: Double) -> [(group: ChannelGroup, units: [DependencyGraph.Unit])] {
      let shares = competition?.shares(share)
      return ordered.enumerated().map { index, item in
        let (group, order) = item
        let count = Self.removed(
          of: removal.originalCount(group), now: group.units.count, share: shares?[index] ?? share, width: group.width, tile: tile)
        return (group, order.prefix(count).map { group.units[$0] })
      }
    }
    let wholeParameters = Double(AxisCut([]).parameters(of: removal.original))
    let share =
      measure == .channels
      ? ratio
      : Self.smallestShare {
        AxisCut(chosen($0).flatMap(\.units)).parameters(of: graph) <= Int((wholeParameters * (1 - ratio)).rounded(.up))
      }
    var plan = Plan()
    for (group, units) in chosen(share) where !units.isEmpty {
      plan.units += units
      plan.readers.formUnion(group.consumers.map(\.node))
      plan.records.append(
        StageRecord(
          stage: PruneChannelsStage.schema.name, layer: group.name,
          action: "\(group.units.count) units became \(group.units.count - units.count)",
          figures: [.init("removed", Double(units.count)), .init("width", Double(group.width))]))
    }
    return plan
  }

  private func canCut(_ group: ChannelGroup) -> Bool {
    group.group.obstacle == nil && !group.consumers.isEmpty && group.units.count > 1 && (cutsJoined || !group.isJoined)
  }

  /// Units to remove now so that `share` of the original ones are gone and what is left fills whole tiles.
  private static func removed(of full: Int, now: Int, share: Double, width: Int, tile: Int) -> Int {
    let wanted = full - Int((Double(full) * share).rounded())
    let tiled = width >= tile ? wanted : (wanted * width + tile - 1) / tile * tile / width
    return max(0, now - max(1, min(tiled, now)))
  }

  /// The smallest share for which the test holds, to a thousandth; 1 when it never does.
  private static func smallestShare(_ test: (Double) -> Bool) -> Double {
    var (low, high) = (0, 1000)
    while low < high {
      let middle = (low + high) / 2
      if test(Double(middle) / 1000) { high = middle } else { low = middle + 1 }
    }
    return Double(low) / 1000
  }
}

/// A graph that loses units step by step, and where its positions were in the original.
package struct ChannelRemoval: Sendable {
  package var graph: Graph
  package var records: [StageRecord] = []
  let original: Graph
  private var origins: [ValueAxis: [Int]] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    original = graph
  }

  mutating func remove(_ units: [DependencyGraph.Unit]) throws(Failure) {
    let cut = AxisCut(units)
    graph = try cut.applied(to: graph)
    for (axis, gone) in cut.removed {
      let extent = original.tensorType(axis.value)?.shape[axis.axis].constant ?? 0
      let before = origins[axis] ?? Array(0..<extent)
      origins[axis] = before.indices.filter { !gone.contains($0) }.map { before[$0] }
    }
  }

  /// Positions of the original that are left.
  package func kept(_ axis: ValueAxis, _ extent: Int) -> [Int] { origins[axis] ?? Array(0..<extent) }

  /// Units the group had in the original.
  func originalCount(_ group: ChannelGroup) -> Int {
    guard let axis = group.group.axes.first, let now = graph.tensorType(axis.value)?.shape[axis.axis].constant,
      let before = original.tensorType(axis.value)?.shape[axis.axis].constant, now > 0
    else { return group.units.count }
    return group.units.count * before / now
  }
}
