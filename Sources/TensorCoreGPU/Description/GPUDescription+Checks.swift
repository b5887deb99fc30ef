internal import Basic
internal import Results

extension GPUDescription {
  /// Peak of every dense instruction and the two memory levels, for roofline plots.
  var roofline: Roofline {
    let clocks = Double(smCount) * boostClock
    var ceilings = instructions.filter { $0.sparsity == .dense }.map {
      Roofline.Ceiling(name: $0.name, rate: 2 * $0.rate * clocks)
    }
    ceilings.append(Roofline.Ceiling(name: "fp32 cores", rate: 2 * sm.fp32Lanes * clocks))
    return Roofline(
      compute: ceilings,
      memory: [
        Roofline.Ceiling(name: "dram", rate: memory.bandwidth),
        Roofline.Ceiling(name: "l2", rate: l2BytesPerClock * boostClock),
      ])
  }

  /// What cannot be right in a file that reads well.
  func lint() -> [Diagnostic] {
    var found: [Diagnostic] = []
    func warn(_ condition: Bool, _ message: String) {
      if condition { found.append(Diagnostic(.warning, "\(name): \(message)")) }
    }
    warn(memory.efficiency > 1, "device memory cannot deliver more than its pin rate")
    warn(l2.efficiency > 1.5, "the L2 cannot deliver that much more than its stated rate")
    warn(power.idle >= power.board, "idle power reaches the board limit")
    warn(smCount > 512, "more than 512 SMs")
    warn(sm.sharedMemory > 1_048_576, "shared memory of one SM above 1 MiB")
    warn(memory.bandwidth > 2e13, "device memory above 20 TB/s")
    for instruction in instructions {
      let peak = 2 * instruction.rate * Double(smCount) * boostClock
      warn(peak > 5e16, "\(instruction.name) would reach \(Format.count(peak)) FLOP/s")
    }
    for path in gemm.paths where path.issueEfficiency > 1.05 {
      warn(true, "path '\(path.name)' issues more than its instruction's rate")
    }
    return found
  }
}
