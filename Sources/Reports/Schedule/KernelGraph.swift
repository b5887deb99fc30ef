internal import Results

/// Kernels of a result by index, the tensors between them, and the longest path through them.
struct KernelGraph {
  struct Edge: Hashable {
    var from: Int
    var to: Int
    /// Index into `tensors`; nil for a dependency without data.
    var tensor: Int?
    /// Words of the FIFO it goes through, if it does.
    var fifoDepth: Int?
  }

  let kernels: [KernelResult]
  /// What shares of time are of.
  let accountedSeconds: Double
  private(set) var tensors: [TensorSummary] = []
  private(set) var edges: [Edge] = []
  /// Tensors that no kernel writes, with their readers, and tensors that no kernel reads, with their writer.
  private(set) var inputs: [(tensor: Int, readers: [Int])] = []
  private(set) var outputs: [(tensor: Int, writer: Int)] = []
  private(set) var isCritical: [Bool]
  /// Seconds a kernel may take longer before the longest path grows.
  private(set) var slack: [Double]

  init(_ result: RunResult) {
    kernels = result.kernels.enumerated().sorted {
      ($0.element.startSeconds, $0.offset) < ($1.element.startSeconds, $1.offset)
    }.map(\.element)
    accountedSeconds = result.accountedSeconds
    isCritical = Array(repeating: false, count: kernels.count)
    slack = Array(repeating: 0, count: kernels.count)
    connectTensors()
    connect(result.timeline.dependencies)
    findCriticalPath()
  }

  private mutating func connectTensors() {
    var writer: [Int: (kernel: Int, tensor: Int)] = [:]
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.writes where writer[tensor.id] == nil {
        writer[tensor.id] = (index, tensors.count)
        tensors.append(tensor)
      }
    }
    var readers: [Int: [Int]] = [:]
    var unwritten: [TensorSummary] = []
    var seen = Set<Edge>()
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.reads where !tensor.isConstant {
        if let source = writer[tensor.id] {
          let edge = Edge(from: source.kernel, to: index, tensor: source.tensor, fifoDepth: tensor.fifoDepth)
          if source.kernel != index, seen.insert(edge).inserted { edges.append(edge) }
        } else if readers[tensor.id] == nil {
          unwritten.append(tensor)
        }
        if readers[tensor.id]?.last != index { readers[tensor.id, default: []].append(index) }
      }
    }
    for tensor in unwritten {
      inputs.append((tensor: tensors.count, readers: readers[tensor.id] ?? []))
      tensors.append(tensor)
    }
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.writes where readers[tensor.id] == nil {
        if let known = writer[tensor.id], known.kernel == index {
          outputs.append((tensor: known.tensor, writer: index))
        }
      }
    }
  }

  /// Dependencies matter for the path always, but are drawn only where no data flow is known at all.
  private mutating func connect(_ dependencies: [[Int]]) {
    var index: [Int: Int] = [:]
    for (position, kernel) in kernels.enumerated() { index[kernel.id] = position }
    var known = Set(edges.map { [$0.from, $0.to] })
    let drawn = edges.isEmpty
    for pair in dependencies where pair.count == 2 {
      guard let from = index[pair[0]], let to = index[pair[1]], from != to, known.insert([from, to]).inserted else {
        continue
      }
      if drawn {
        edges.append(Edge(from: from, to: to, tensor: nil))
      } else {
        hidden.append(Edge(from: from, to: to, tensor: nil))
      }
    }
  }

  private var hidden: [Edge] = []

  /// Longest path by latency; edges that close a cycle (in a damaged file) are ignored.
  private mutating func findCriticalPath() {
    let order = topologicalOrder()
    var position = Array(repeating: -1, count: kernels.count)
    for (rank, kernel) in order.enumerated() { position[kernel] = rank }
    var successors: [[Int]] = Array(repeating: [], count: kernels.count)
    var predecessors = successors
    for edge in edges + hidden where position[edge.from] >= 0 && position[edge.to] > position[edge.from] {
      successors[edge.from].append(edge.to)
      predecessors[edge.to].append(edge.from)
    }
    var until = Array(repeating: 0.0, count: kernels.count)
    var after = until
    for kernel in order {
      until[kernel] = kernels[kernel].latencySeconds + (predecessors[kernel].map { until[$0] }.max() ?? 0)
    }
    for kernel in order.reversed() {
      after[kernel] = successors[kernel].map { after[$0] + kernels[$0].latencySeconds }.max() ?? 0
    }
    let longest = until.max() ?? 0
    for kernel in order { slack[kernel] = max(0, longest - until[kernel] - after[kernel]) }
    guard var current = order.max(by: { until[$0] < until[$1] }) else { return }
    isCritical[current] = true
    while let previous = predecessors[current].max(by: { until[$0] < until[$1] }) {
      isCritical[previous] = true
      current = previous
    }
  }

  private func topologicalOrder() -> [Int] {
    var waiting = Array(repeating: 0, count: kernels.count)
    var successors: [[Int]] = Array(repeating: [], count: kernels.count)
    for edge in edges + hidden {
      waiting[edge.to] += 1
      successors[edge.from].append(edge.to)
    }
    var order = kernels.indices.filter { waiting[$0] == 0 }
    var next = 0
    while next < order.count {
      for successor in successors[order[next]] {
        waiting[successor] -= 1
        if waiting[successor] == 0 { order.append(successor) }
      }
      next += 1
    }
    return order
  }
}
