internal import Results

/// A run of blocks with the same operations, types and wiring, such as the layers of a transformer.
struct RepeatedBlock: Hashable {
  /// Index of the first kernel of the first block.
  var start: Int
  /// Kernels in one block.
  var period: Int
  var count: Int

  var end: Int { start + period * count }
}

extension KernelGraph {
  /// Finds repeated blocks, never overlapping, at least three times each and worth it: they hide a twentieth of the kernels.
  ///
  /// At every position the period whose run hides most kernels is taken; the time is O(kernels · longest period).
  func repeatedBlocks() -> [RepeatedBlock] {
    let marks = signatures()
    let longest = min(256, marks.count / 3)
    guard longest > 0 else { return [] }
    let worth = max(4, marks.count / 20 + 1)
    // The best block that starts at each position; `run` counts marks from there on that equal those one period later.
    var best: [RepeatedBlock?] = Array(repeating: nil, count: marks.count)
    for period in 1...longest {
      var run = 0
      for start in stride(from: marks.count - period - 1, through: 0, by: -1) {
        run = marks[start] == marks[start + period] ? run + 1 : 0
        let count = run / period + 1
        guard count >= 3 else { continue }
        let block = RepeatedBlock(start: start, period: period, count: count)
        if (count - 2) * period >= worth, block.hidden > (best[start]?.hidden ?? 0) { best[start] = block }
      }
    }
    return choose(best)
  }

  private func choose(_ best: [RepeatedBlock?]) -> [RepeatedBlock] {
    var chosen: [RepeatedBlock] = []
    var position = 0
    while position < best.count {
      guard let block = best[position] else {
        position += 1
        continue
      }
      // A run that starts a little later may hide more (a prefix that happens to match is not a layer).
      let later = best[position..<min(best.count, position + block.period)].compactMap { $0 }.max {
        $0.hidden < $1.hidden
      }
      if let later, later.hidden > block.hidden {
        position = later.start
        chosen.append(later)
        position = later.end
      } else {
        chosen.append(block)
        position = block.end
      }
    }
    return chosen
  }

  /// Equal numbers for kernels that do the same on the same types with the same wiring nearby.
  private func signatures() -> [Int] {
    var producers: [[Int]] = Array(repeating: [], count: kernels.count)
    var reach: [Int: Int] = [:]
    for edge in edges { if let tensor = edge.tensor { reach[tensor] = max(reach[tensor] ?? 0, edge.to - edge.from) } }
    for edge in edges {
      // What every block reads from far away (a mask, an encoder's output) differs in distance only.
      let isLocal = (edge.tensor.flatMap { reach[$0] } ?? 0) <= 16
      producers[edge.to].append(isLocal ? edge.to - edge.from : 0)
    }
    var numbers: [Mark: Int] = [:]
    return kernels.enumerated().map { index, kernel in
      let mark = Mark(
        kind: kernel.kind, format: kernel.format, operations: kernel.operations, bound: kernel.bound,
        types: kernel.reads.map(\.type) + ["→"] + kernel.writes.map(\.type), producers: producers[index].sorted())
      return numbers[mark, default: numbers.count].stored(in: &numbers, for: mark)
    }
  }

  private struct Mark: Hashable {
    var kind: String
    var format: String
    var operations: [String]
    var bound: Bound
    var types: [String]
    var producers: [Int]
  }
}

extension RepeatedBlock {
  /// Kernels that need not be drawn: all but the first and the last block.
  var hidden: Int { (count - 2) * period }
}

extension Int {
  fileprivate func stored<Key: Hashable>(in table: inout [Key: Int], for key: Key) -> Int {
    table[key] = self
    return self
  }
}
