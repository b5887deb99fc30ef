internal import Results

/// Kernels that one cluster of the picture stands for, in schedule order.
struct KernelGroup {
  enum Kind: Hashable {
    case single
    /// `count` blocks of `period` kernels each, drawn once before and once after.
    case repeated(name: String, count: Int, period: Int)
    case layer(name: String)
    /// Kernels too small to be drawn one by one.
    case merged
  }

  var kind: Kind
  var members: [Int]
}

extension KernelGraph {
  /// Chooses what to draw: focus first, then folding and grouping, then the cap.
  func groups(_ options: ScheduleOptions) -> [KernelGroup] {
    var groups: [KernelGroup]
    if let focus = options.focus {
      groups = neighbourhood(of: focus, hops: options.hops).map { KernelGroup(kind: .single, members: [$0]) }
    } else if options.grouping == .layer {
      groups = layers()
    } else if options.folding == .automatic, kernels.count > 60, options.top == nil, !options.isCriticalPathOnly {
      groups = folded()
    } else {
      groups = kernels.indices.map { KernelGroup(kind: .single, members: [$0]) }
    }
    if options.isCriticalPathOnly { groups = merging(groups) { group in group.members.contains { isCritical[$0] } } }
    // Columns are clusters too.
    let limit = max(3, options.clusterLimit - SchedulePicture.columnLimit)
    if let top = options.top { groups = keepingSlowest(top, of: groups) }
    if groups.count > limit { groups = largestFit(groups, limit: limit) }
    return groups
  }

  func seconds(_ group: KernelGroup) -> Double { group.members.reduce(0) { $0 + kernels[$1].latencySeconds } }

  /// The most kernels that can be shown one by one without more than `limit` clusters: merged runs count too.
  private func largestFit(_ groups: [KernelGroup], limit: Int) -> [KernelGroup] {
    var low = 1
    var high = limit
    while low < high {
      let middle = (low + high + 1) / 2
      if keepingSlowest(middle, of: groups).count <= limit { low = middle } else { high = middle - 1 }
    }
    return keepingSlowest(low, of: groups)
  }

  private func keepingSlowest(_ count: Int, of groups: [KernelGroup]) -> [KernelGroup] {
    let times = groups.map(seconds)
    let order = groups.indices.sorted { (times[$1], $0) < (times[$0], $1) }
    let kept = Set(order.prefix(count))
    var index = -1
    return merging(groups) { _ in
      index += 1
      return kept.contains(index)
    }
  }

  /// Joins each run of neighbours that are not kept; runs follow the schedule, so no cycle can arise.
  private func merging(_ groups: [KernelGroup], keeping isKept: (KernelGroup) -> Bool) -> [KernelGroup] {
    var result: [KernelGroup] = []
    var run: [KernelGroup] = []
    func flush() {
      guard let first = run.first else { return }
      result.append(run.count == 1 ? first : KernelGroup(kind: .merged, members: run.flatMap(\.members)))
      run = []
    }
    for group in groups {
      if isKept(group) {
        flush()
        result.append(group)
      } else {
        run.append(group)
      }
    }
    flush()
    return result
  }

  private func folded() -> [KernelGroup] {
    var result: [KernelGroup] = []
    var position = 0
    func singles(_ range: Range<Int>) { result += range.map { KernelGroup(kind: .single, members: [$0]) } }
    for block in repeatedBlocks() {
      let first = block.start + block.period
      let last = block.end - block.period
      singles(position..<first)
      let name = commonName(of: block)
      result.append(
        KernelGroup(
          kind: .repeated(name: name, count: block.count - 2, period: block.period), members: Array(first..<last)))
      position = last
    }
    singles(position..<kernels.count)
    return result
  }

  /// The part that the names of a block's kernels share, without the number of the block.
  private func commonName(of block: RepeatedBlock) -> String {
    let names = (block.start..<block.start + block.period).flatMap {
      kernels[$0].origin.isEmpty ? [kernels[$0].name] : kernels[$0].origin
    }
    guard var common = names.first.map({ Array($0) }) else { return "" }
    for name in names.dropFirst() {
      let shared = zip(common, name).prefix { $0 == $1 }.count
      common = Array(common.prefix(shared))
    }
    let separators: Set<Character> = ["/", ".", "_", ":"]
    while let last = common.last, separators.contains(last) || last.isNumber { common.removeLast() }
    while let first = common.first, separators.contains(first) { common.removeFirst() }
    return String(common)
  }

  /// Neighbours with the same first components of their source name.
  private func layers() -> [KernelGroup] {
    var result: [KernelGroup] = []
    var previous: String?
    for (index, kernel) in kernels.enumerated() {
      let layer = Self.layer(of: kernel.origin.first ?? kernel.name)
      if layer == previous, let last = result.indices.last {
        result[last].members.append(index)
      } else {
        result.append(KernelGroup(kind: .layer(name: layer), members: [index]))
      }
      previous = layer
    }
    return result.map { $0.members.count == 1 ? KernelGroup(kind: .single, members: $0.members) : $0 }
  }

  /// `/encoder/layer.3/attention/MatMul` → `encoder/layer.3`: up to the first component that carries a number.
  static func layer(of name: String) -> String {
    let parts = name.split(separator: "/")
    guard parts.count > 1 else { return name }
    let numbered = parts.dropLast().firstIndex { $0.contains(where: \.isNumber) }
    return parts[...(numbered ?? 0)].joined(separator: "/")
  }

  private func neighbourhood(of text: String, hops: Int) -> [Int] {
    var near = Set(
      kernels.indices.filter { index in
        kernels[index].name.contains(text) || kernels[index].origin.contains { $0.contains(text) }
      })
    for _ in 0..<max(0, min(hops, kernels.count)) {
      let before = near
      for edge in edges {
        if before.contains(edge.from) { near.insert(edge.to) }
        if before.contains(edge.to) { near.insert(edge.from) }
      }
      if near.count == before.count { break }
    }
    return near.sorted()
  }
}
