internal import Lowering

/// Joules of a layer by part of the machine: products, other arithmetic, and the bytes of every memory.
struct EnergyAccount {
  let machine: NPUDescription

  init(_ machine: NPUDescription) { self.machine = machine }

  /// Nil when the target leaves out a figure that the layer needs: unknown is not zero.
  func parts(_ kernel: Kernel, _ layer: Layer) -> [String: Double]? {
    guard layer.place != .view else { return [:] }
    guard layer.place != .host else { return nil }
    var parts: [String: Double] = [:]
    if layer.macs > 0 {
      guard let mac = machine.macEnergy else { return nil }
      parts["MAC"] = Double(layer.macs) * mac
    }
    let others = max(0, kernel.work.flops - 2 * layer.macs)
    if others > 0 {
      guard let operation = machine.vectorEnergy else { return nil }
      parts["vector"] = Double(others) * operation
    }
    for (memory, transfer) in layer.transfers.enumerated() where transfer.total > 0 {
      let level = machine.memories[memory]
      guard let read = level.readEnergyPerByte, let write = level.writeEnergyPerByte else { return nil }
      parts[level.name] = Double(transfer.read) * read + Double(transfer.written) * write
    }
    return parts
  }

  /// The parts together, in an order that does not depend on hashing.
  static func sum(_ parts: [String: Double]) -> Double { parts.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value } }

  /// All layers together.
  func total(_ kernels: [Kernel], _ layers: [Layer]) -> [String: Double]? {
    var sum: [String: Double] = [:]
    for (kernel, layer) in zip(kernels, layers) {
      guard let parts = parts(kernel, layer) else { return nil }
      sum.merge(parts, uniquingKeysWith: +)
    }
    return sum
  }
}
