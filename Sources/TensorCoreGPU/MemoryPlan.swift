internal import Lowering

/// Device memory over a run: weights all the time, activations from their producer to their last reader.
struct MemoryPlan {
  /// Bytes alive while each kernel runs, in order.
  let alive: [Int]
  var peak: Int { alive.max() ?? 0 }

  init(_ kernels: [Kernel]) {
    var weights: [Int: Int] = [:]
    var first: [Int: Int] = [:]
    var last: [Int: Int] = [:]
    var size: [Int: Int] = [:]
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.reads {
        if tensor.operand.isConstant {
          weights[tensor.id] = tensor.operand.bytes
        } else {
          first[tensor.id] = first[tensor.id] ?? 0
          last[tensor.id] = index
          size[tensor.id] = tensor.operand.bytes
        }
      }
      for tensor in kernel.writes {
        first[tensor.id] = index
        last[tensor.id] = index
        size[tensor.id] = tensor.operand.bytes
      }
    }
    var change = [Int](repeating: 0, count: kernels.count + 1)
    for (id, bytes) in size {
      change[first[id] ?? 0] += bytes
      change[(last[id] ?? 0) + 1] -= bytes
    }
    var now = weights.values.reduce(0, +)
    alive = change.dropLast().map { delta in
      now += delta
      return now
    }
  }

  /// Steps `[cycle, bytes]` for the timeline.
  func steps(at cycles: [Int]) -> [[Int]] { zip(cycles, alive).map { [$0, $1] } }
}
