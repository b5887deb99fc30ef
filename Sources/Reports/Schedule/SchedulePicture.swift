internal import Basic
internal import Results

/// What the picture of a schedule shows, before any layout: clusters in columns, edges, ports and stubs.
struct SchedulePicture {
  struct Cluster {
    var id: String
    var title: String
    var rows: [String]
    var footer: String
    var bound: Bound
    var kind: String
    var format: String
    var share: Double
    var bytes: [(level: String, bytes: Int)]
    var isCritical: Bool
    /// True for blocks and tails that stand for several kernels.
    var isMerged: Bool
    var tooltip: String
    var column = 0
    var rank = 0
  }

  struct Edge {
    var from: Int
    var to: Int
    var label: String
    var bytes: Int
    var isOnChip: Bool
    var isCritical: Bool
    var isData: Bool
    var tooltip: String
  }

  /// A tensor that enters or leaves the picture.
  struct Port {
    var cluster: Int
    var isInput: Bool
    var name: String
    var label: String
    var bytes: Int
  }

  static let columnLimit = 12

  var clusters: [Cluster] = []
  var edges: [Edge] = []
  /// Edges too long to draw: a stub at each end names the other.
  var cut: [Edge] = []
  var ports: [Port] = []
  var columns = 1
  /// How many kernels are not drawn one by one, for the caption.
  var foldedKernels = 0
  var mergedKernels = 0
  var mergedShare = 0.0
  var hiddenKernels = 0

  init(_ graph: KernelGraph, _ options: ScheduleOptions) {
    let groups = graph.groups(options)
    let total = max(graph.accountedSeconds, .leastNormalMagnitude)
    var owner = Array(repeating: -1, count: graph.kernels.count)
    for (index, group) in groups.enumerated() { for member in group.members { owner[member] = index } }
    clusters = groups.map { Cluster($0, graph, total, options.overlay) }
    hiddenKernels = owner.count { $0 < 0 }
    for group in groups {
      switch group.kind {
      case .single, .layer: break
      case .repeated: foldedKernels += group.members.count
      case .merged:
        mergedKernels += group.members.count
        mergedShare += graph.seconds(group) / total
      }
    }
    addEdges(graph, owner)
    addPorts(graph, owner)
    rank()
    arrange(options)
    cutLongEdges(options)
  }

  private mutating func addEdges(_ graph: KernelGraph, _ owner: [Int]) {
    var place: [[Int]: Int] = [:]
    var tensors: [Set<Int>] = []
    for edge in graph.edges {
      let from = owner[edge.from]
      let to = owner[edge.to]
      // Backward edges come from damaged files only.
      guard from >= 0, to >= 0, from != to else { continue }
      let isCritical = graph.isCritical[edge.from] && graph.isCritical[edge.to]
      let index: Int
      if let known = place[[from, to]] {
        index = known
      } else {
        index = edges.count
        place[[from, to]] = index
        edges.append(
          Edge(from: from, to: to, label: "", bytes: 0, isOnChip: true, isCritical: false, isData: false, tooltip: ""))
        tensors.append([])
      }
      if isCritical { edges[index].isCritical = true }
      guard let number = edge.tensor, tensors[index].insert(number).inserted else { continue }
      let tensor = graph.tensors[number]
      edges[index].isData = true
      edges[index].bytes += tensor.bytes
      edges[index].isOnChip = edges[index].isOnChip && tensor.staysOnChip
      if tensors[index].count <= 8 {
        edges[index].tooltip += (edges[index].tooltip.isEmpty ? "" : "\n") + "\(tensor.name): \(Self.label(tensor))"
      }
      edges[index].label =
        tensors[index].count == 1
        ? Self.label(tensor) + (edge.fifoDepth.map { " · FIFO \($0)" } ?? "")
        : "\(tensors[index].count) tensors \(Format.bytes(Double(edges[index].bytes)))"
    }
    for index in edges.indices where !edges[index].isData { edges[index].tooltip = "dependency without data" }
  }

  private mutating func addPorts(_ graph: KernelGraph, _ owner: [Int]) {
    for input in graph.inputs {
      let tensor = graph.tensors[input.tensor]
      // One copy per reader: no edge from the top to the far end.
      for reader in Set(input.readers.map { owner[$0] }).sorted() where reader >= 0 {
        ports.append(
          Port(cluster: reader, isInput: true, name: tensor.name, label: Self.label(tensor), bytes: tensor.bytes))
      }
    }
    for output in graph.outputs where owner[output.writer] >= 0 {
      let tensor = graph.tensors[output.tensor]
      ports.append(
        Port(
          cluster: owner[output.writer], isInput: false, name: tensor.name, label: Self.label(tensor),
          bytes: tensor.bytes))
    }
    if ports.count > 40 { ports = Array(ports.prefix(40)) }
  }

  private static func label(_ tensor: TensorSummary) -> String {
    "\(compact(tensor.type)) \(Format.bytes(Double(tensor.bytes)))"
  }

  /// `f32[1, 64, 56, 56]<f16 tensor f32>` as it lies in memory: `f16[1,64,56,56]`.
  static func compact(_ type: String) -> String {
    var text = type.replacing(", ", with: ",")
    guard text.hasSuffix(">"), let open = text.lastIndex(of: "<"), let shape = text.firstIndex(of: "["), shape < open
    else { return text }
    let stored = text[text.index(after: open)...].prefix { $0 != " " && $0 != ">" }
    text = "\(stored)\(text[shape..<open])"
    return text
  }

  /// Longest-path ranks over forward edges.
  private mutating func rank() {
    let byTarget = Dictionary(grouping: edges.filter { $0.from < $0.to }, by: \.to)
    for index in clusters.indices {
      clusters[index].rank = (byTarget[index] ?? []).map { clusters[$0.from].rank + 1 }.max() ?? 0
    }
  }

  /// Splits a tall schedule into columns where few tensors cross, so that the picture is about as wide as high.
  private mutating func arrange(_ options: ScheduleOptions) {
    guard let last = clusters.map(\.rank).max() else { return }
    var heights = Array(repeating: 0.0, count: last + 1)
    var population = Array(repeating: 0.0, count: last + 1)
    for cluster in clusters {
      heights[cluster.rank] = max(heights[cluster.rank], 75 + 13 * Double(cluster.rows.count))
      population[cluster.rank] += 1
    }
    let height = heights.reduce(0, +)
    let width = 420 * max(1, population.reduce(0, +) / Double(population.count))
    let wanted = options.columns ?? (height > 1200 ? Int((1.3 * height / width).squareRoot().rounded()) : 1)
    columns = max(1, min(wanted, clusters.count, Self.columnLimit))
    guard columns > 1 else { return }
    let starts = columnStarts()
    for index in clusters.indices { clusters[index].column = starts.count { $0 <= index } }
    columns = starts.count + 1
  }

  /// Indices at which a new column begins: near an even split, where the fewest edges cross.
  private func columnStarts() -> [Int] {
    var crossing = Array(repeating: 0, count: clusters.count + 1)
    for edge in edges where edge.from < edge.to {
      crossing[edge.from + 1] += 1
      crossing[edge.to + 1] -= 1
    }
    for index in 1..<crossing.count { crossing[index] += crossing[index - 1] }
    // Only a new rank makes the picture higher; kernels side by side do not.
    var deepest = -1
    let heights = clusters.map { cluster in
      defer { deepest = max(deepest, cluster.rank) }
      return cluster.rank > deepest ? 90 + 13 * cluster.rows.count : 12
    }
    let total = heights.reduce(0, +)
    var starts: [Int] = []
    var passed = 0
    var bestAt: [(index: Int, cost: Double)?] = Array(repeating: nil, count: columns - 1)
    for index in 1..<clusters.count {
      passed += heights[index - 1]
      for column in 1..<columns {
        let offset = abs(Double(passed) - Double(total * column) / Double(columns)) / (Double(total) / Double(columns))
        guard offset < 0.3 else { continue }
        let cost = Double(crossing[index]) + 4 * offset
        if cost < (bestAt[column - 1]?.cost ?? .infinity) { bestAt[column - 1] = (index, cost) }
      }
    }
    for found in bestAt { if let found, found.index > (starts.last ?? 0) { starts.append(found.index) } }
    return starts
  }

  private mutating func cutLongEdges(_ options: ScheduleOptions) {
    let all = edges
    edges = []
    for edge in all {
      let isFar = clusters[edge.from].column != clusters[edge.to].column
      let isLong = abs(clusters[edge.to].rank - clusters[edge.from].rank) > options.longestEdge
      if isFar || isLong || edge.from > edge.to { cut.append(edge) } else { edges.append(edge) }
    }
  }
}
