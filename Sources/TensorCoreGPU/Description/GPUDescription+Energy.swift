internal import IR

/// Energies a target does not state are NaN in the description, and no figure is made from them.
extension GPUDescription {
  /// Joules of one multiply-add in `format`: on its matrix instruction, else on the ordinary cores.
  func energyPerMultiply(_ format: ElementType) -> Double {
    fastestInstruction(for: format)?.energy ?? energyPerCoreMultiply
  }

  /// Joules of one fp32 multiply-add on the ordinary cores.
  var energyPerCoreMultiply: Double {
    gemm.paths.first { $0.instruction.feed == .cores && $0.activations.contains(.float32) }?.instruction.energy ?? .nan
  }

  /// Joules of a kernel: what it moves, what it computes at boost, and the board at rest while it runs; no more than it is fed with.
  func energy(memoryBytes: Double, arithmetic: Double, seconds: Double) -> Double {
    let asked = memoryBytes * memory.energyPerByte + arithmetic + power.idle * seconds
    // In this order a figure nobody stated stays one.
    return min(asked, power.board * seconds)
  }
}
