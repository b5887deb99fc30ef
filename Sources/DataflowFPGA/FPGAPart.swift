/// A device as bought: what it holds.
package struct FPGAPart: Sendable, Hashable {
  package var name: String
  package var capacity: Area
  /// Dies joined by few wires; a stage does not cross them.
  package var dies: Int
  package var block: DSPBlock
  package var memory: MemorySystem
  /// Shares of the capacity that can be filled before timing suffers, by resource name.
  package var usable: [String: Double]
  /// What the platform around the pipeline takes.
  package var shell: Area

  package init(
    name: String, capacity: Area, dies: Int, block: DSPBlock, memory: MemorySystem, usable: [String: Double],
    shell: Area
  ) {
    self.name = name
    self.capacity = capacity
    self.dies = dies
    self.block = block
    self.memory = memory
    self.usable = usable
    self.shell = shell
  }

  /// Resources of which `demand` plus the shell exceeds the usable share.
  package func excess(_ demand: Area) -> [ResourceLimit] {
    let total = demand + shell
    return zip(total.named, capacity.named).compactMap { need, have in
      let bound = Int(Double(have.count) * (usable[need.name] ?? 1))
      return need.count > bound ? ResourceLimit(name: need.name, demand: need.count, bound: bound) : nil
    }
  }
}

/// A resource of which a design would take more than can be used.
package struct ResourceLimit: Sendable, Hashable {
  package var name: String
  package var demand: Int
  package var bound: Int

  package var share: Double { Double(demand) / Double(max(1, bound)) }
  /// `1666 dsp needed, 1382 usable`.
  package var text: String { "\(demand) \(name) needed, \(bound) usable" }
}
