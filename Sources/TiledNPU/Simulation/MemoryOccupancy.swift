internal import Lowering

/// What every memory holds over time: weights where they are at rest, feature maps from the kernel that makes them to the last
/// that reads them, and beside the array the tiles in work.
struct MemoryOccupancy {
  let machine: NPUDescription
  let kernels: [Kernel]
  let layers: [Layer]
  let timings: [LayerTiming]
  let residency: Residency

  /// `[cycle, bytes]` steps by memory name, of every memory that holds something.
  func steps() -> [String: [[Int]]] {
    let (far, weightBytes) = (farBytes(), weightBytes())
    let near = nearBytes(weightBytes)
    var result: [String: [[Int]]] = [:]
    for memory in machine.memories.indices {
      let weights = memory == machine.placement.weights && memory != machine.placement.near ? weightBytes : 0
      var steps: [[Int]] = []
      for index in kernels.indices where layers[index].place != .view {
        let bytes = memory == machine.placement.near ? near[index] : weights + (far[memory]?[index] ?? 0)
        if steps.last?[1] != bytes { steps.append([steps.isEmpty ? 0 : machine.runCycles + timings[index].start, bytes]) }
      }
      if steps.contains(where: { $0[1] > 0 }) { result[machine.memories[memory].name] = steps }
    }
    return result
  }

  /// Feature maps, tiles without buffers of their own, and the weights that stay from run to run in what is left.
  private func nearBytes(_ weightBytes: Int) -> [Int] {
    let used = kernels.indices.map { residency.live[$0] + (machine.tileBuffers == nil ? layers[$0].heldBytes : 0) }
    guard machine.policy.weights == .resident else { return used }
    let left = machine.near.capacity.map { max(0, $0 - (used.max() ?? 0)) } ?? weightBytes
    return used.map { $0 + min(weightBytes, left) }
  }

  /// Every constant once, however many kernels read it, as wide as the model stores it.
  private func weightBytes() -> Int {
    var bytes: [Int: Int] = [:]
    for kernel in kernels { for tensor in kernel.reads where tensor.operand.isConstant { bytes[tensor.id] = tensor.operand.bytes } }
    return bytes.values.reduce(0, +)
  }

  /// Bytes of feature maps that are not beside the array, by memory and kernel.
  private func farBytes() -> [Int: [Int]] {
    struct Life {
      var bytes: Int
      var first: Int
      var last: Int
      var isMade: Bool
      var isRead: Bool
    }
    var lives: [Int: Life] = [:]
    for (index, kernel) in kernels.enumerated() where layers[index].place != .view {
      for tensor in kernel.reads where !tensor.operand.isConstant {
        let id = residency.storage(of: tensor.id)
        // What no kernel makes enters the network: it is there from the start.
        lives[id, default: Life(bytes: tensor.operand.bytes, first: 0, last: index, isMade: false, isRead: true)].last = index
        lives[id]?.isRead = true
      }
      for tensor in kernel.writes {
        lives[residency.storage(of: tensor.id)] =
          Life(bytes: tensor.operand.bytes, first: index, last: index, isMade: true, isRead: false)
      }
    }
    var result: [Int: [Int]] = [:]
    for (id, life) in lives where !residency.isNear(id) && !residency.isRolling(id) {
      let isGraph = !life.isMade || !life.isRead
      let memory = isGraph ? machine.placement.graph : machine.placement.far ?? machine.placement.graph
      // What nobody reads leaves the network: it lives to the end.
      let last = life.isRead ? life.last : kernels.count - 1
      for index in life.first...max(life.first, last) {
        result[memory, default: Array(repeating: 0, count: kernels.count)][index] += life.bytes
      }
    }
    return result
  }
}
