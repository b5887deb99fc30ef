internal import IR
package import Lowering

/// Which feature maps stay in the near memory, for how long, and what that leaves for weights and tiles.
///
/// A feature map lives from the kernel that makes it to the last that reads it. Those with the most uses per byte and
/// cycle of life get the near memory first; one that does not fit at some moment of its life goes to the far memory, or
/// passes as a few rolling rows between two layers that run depth first.
package struct Residency: Sendable {
  /// Feature maps in the near memory.
  package internal(set) var near: Set<Int> = []
  /// Bytes of feature maps in the near memory while each kernel runs.
  package internal(set) var live: [Int]
  /// Feature maps of which only the rows in use are in the near memory.
  package internal(set) var rolling: Set<Int> = []
  /// The value that a view shows: reshapes move nothing.
  private var aliases: [Int: Int] = [:]
  /// Values that some kernel makes and another reads.
  private var interior: Set<Int> = []
  /// Fewer bytes of near memory with which less would pass the far one, and what would pass; nil when there are none.
  package internal(set) var smallerPlan: (capacity: Int, spilledBytes: Int)?
  /// Bytes that pass the far memory because feature maps between layers have no place in the near one.
  package private(set) var spilledBytes = 0

  package var peak: Int { live.max() ?? 0 }

  /// The value whose bytes `id` shows.
  package func storage(of id: Int) -> Int {
    var id = id
    while let next = aliases[id] { id = next }
    return id
  }

  package func isNear(_ id: Int) -> Bool { near.contains(storage(of: id)) }

  package func isRolling(_ id: Int) -> Bool { rolling.contains(storage(of: id)) }

  /// Made and read inside the network: the machine chooses how it lies in memory.
  package func isInterior(_ id: Int) -> Bool { interior.contains(storage(of: id)) }

  struct Interval {
    var id: Int
    var bytes: Int
    var first: Int
    var last: Int
    var uses: Int
  }

  package init(_ kernels: [Kernel], _ machine: NPUDescription) throws(Infeasible) {
    live = Array(repeating: 0, count: kernels.count)
    for kernel in kernels where kernel.steps.allSatisfy({ $0.computation.isView }) {
      guard let source = kernel.reads.first(where: { !$0.operand.isConstant }), let result = kernel.writes.first else { continue }
      aliases[result.id] = source.id
    }
    let work = kernels.filter { !$0.steps.allSatisfy { $0.computation.isView } }
    interior = Set(work.flatMap(\.writes).map { storage(of: $0.id) })
      .intersection(work.flatMap(\.reads).map { storage(of: $0.id) })
    guard machine.policy.keepsFeatureMapsNear else { return }
    let capacity = machine.near.capacity ?? .max
    let homeless = place(kernels, machine, capacity: capacity)
    if machine.far == nil, let interval = homeless.first { throw infeasible(interval, kernels, machine, capacity) }
    if machine.policy.cascades, !homeless.isEmpty { findSmallerPlan(kernels, machine) }
  }

  /// Gives feature maps their places in `capacity` bytes; returns those that have none.
  mutating func place(_ kernels: [Kernel], _ machine: NPUDescription, capacity: Int) -> [Interval] {
    (near, rolling, spilledBytes) = ([], [], 0)
    live = Array(repeating: 0, count: kernels.count)
    let graphIsNear = machine.placement.graph == machine.placement.near
    var placed: [Interval] = []
    var homeless: [Interval] = []
    for interval in intervals(kernels, keepsGraph: graphIsNear) {
      let range = interval.first...interval.last
      guard range.allSatisfy({ live[$0] + interval.bytes <= capacity }) else {
        homeless.append(interval)
        continue
      }
      near.insert(interval.id)
      placed.append(interval)
      for index in range { live[index] += interval.bytes }
    }
    if machine.policy.cascades { homeless = addCascades(kernels, placed: placed, homeless: homeless, capacity: capacity) }
    spilledBytes = homeless.reduce(0) { $0 + (isInterior($1.id) ? $1.bytes * $1.uses : 0) }
    return homeless
  }

  func intervals(_ kernels: [Kernel], keepsGraph: Bool) -> [Interval] {
    var found: [Int: Interval] = [:]
    let last = max(kernels.count - 1, 0)
    for (index, kernel) in kernels.enumerated() where !kernel.steps.allSatisfy({ $0.computation.isView }) {
      for tensor in kernel.reads where !tensor.operand.isConstant {
        let id = storage(of: tensor.id)
        if found[id] == nil {
          guard keepsGraph else { continue }
          found[id] = Interval(id: id, bytes: tensor.operand.bytes, first: 0, last: index, uses: 1)
        }
        found[id]?.last = index
        found[id]?.uses += 1
      }
      for tensor in kernel.writes {
        let id = storage(of: tensor.id)
        found[id] = Interval(id: id, bytes: tensor.operand.bytes, first: index, last: index, uses: 1)
      }
    }
    // What nobody reads leaves the network: it lives to the end, or goes to the graph's memory at once.
    return found.values.compactMap { interval in
      guard interval.uses == 1 else { return interval }
      guard keepsGraph else { return nil }
      var output = interval
      output.last = last
      return output
    }.sorted { a, b in
      let x = a.uses * (b.last - b.first + 1)
      let y = b.uses * (a.last - a.first + 1)
      return x != y ? x > y : a.bytes != b.bytes ? a.bytes < b.bytes : a.id < b.id
    }
  }

  private func infeasible(_ interval: Interval, _ kernels: [Kernel], _ machine: NPUDescription, _ capacity: Int) -> Infeasible {
    let worst = (interval.first...interval.last).max { live[$0] < live[$1] } ?? interval.first
    let demand = live[worst] + interval.bytes
    return Infeasible(
      layer: kernels[worst].name, buffer: machine.near.name, tile: "all feature maps alive", demand: demand,
      capacity: capacity, lever: "a capacity of \(demand) bytes, or a far memory for feature maps, would do")
  }
}
