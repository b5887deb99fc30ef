internal import IR

/// Sums of the results of layers per channel: what is left of a run when only mean errors matter.
final class ChannelMeans {
  private let targets: [ValueID: BiasTargets.Target]
  private let channels: [ValueID: Int]
  private var sums: [ValueID: [Double]] = [:]
  private var counts: [ValueID: Int] = [:]

  /// - Parameter targets: what to watch, by the node that makes it.
  convenience init(_ graph: Graph, _ targets: BiasTargets) {
    self.init(graph, targets.nodes.compactMap { node in targets[node].map { (node, $0) } })
  }

  /// Watches one node.
  convenience init(_ graph: Graph, _ node: NodeID, _ target: BiasTargets.Target) { self.init(graph, [(node, target)]) }

  private init(_ graph: Graph, _ targets: [(node: NodeID, target: BiasTargets.Target)]) {
    var found: [ValueID: BiasTargets.Target] = [:]
    for (node, target) in targets { if let output = graph[node].outputs.first { found[output] = target } }
    self.targets = found
    channels = found.mapValues { graph.tensorType($0.bias)?.elementCount ?? 0 }
  }

  func add(_ tensor: Tensor, of value: ValueID) {
    guard let target = targets[value], let channels = channels[value], let found = Self.sums(tensor, target, channels) else { return }
    counts[value, default: 0] += tensor.count / channels
    sums[value] = sums[value].map { zip($0, found).map(+) } ?? found
  }

  /// Mean per channel over all that was added.
  func means(of value: ValueID) -> [Double]? {
    guard let sums = sums[value], let count = counts[value], count > 0 else { return nil }
    return sums.map { $0 / Double(count) }
  }

  private static func sums(_ tensor: Tensor, _ target: BiasTargets.Target, _ channels: Int) -> [Double]? {
    guard case .float32(let values) = tensor.elements, channels > 0, values.count % channels == 0 else { return nil }
    var sums = [Double](repeating: 0, count: channels)
    forEachRun(tensor.shape, target, channels) { channel, range in
      var sum = 0.0
      for index in range { sum += Double(values[index]) }
      sums[channel] += sum
    }
    return sums
  }

  /// Adds a number per channel to a tensor.
  static func shifted(_ tensor: Tensor, by shift: [Double], _ target: BiasTargets.Target) -> Tensor {
    guard case .float32(var values) = tensor.elements else { return tensor }
    forEachRun(tensor.shape, target, shift.count) { channel, range in
      let offset = Float(shift[channel])
      for index in range { values[index] += offset }
    }
    return Tensor(tensor.shape, floats: values)
  }

  /// Runs of neighbouring elements of one channel.
  private static func forEachRun(_ shape: [Int], _ target: BiasTargets.Target, _ channels: Int, _ body: (Int, Range<Int>) -> Void) {
    let inner = target.channelAxis == 1 ? shape.dropFirst(2).reduce(1, *) : 1
    guard inner > 0, channels > 0 else { return }
    var start = 0
    for run in 0..<(shape.reduce(1, *) / inner) {
      body(run % channels, start..<start + inner)
      start += inner
    }
  }
}
