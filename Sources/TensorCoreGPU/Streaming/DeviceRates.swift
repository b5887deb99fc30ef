/// The few numbers of a GPU that kernels outside the matrix library work from.
package struct DeviceRates: Sendable, Hashable {
  package var smCount: Int
  /// Core clock in Hz.
  package var clock: Double
  /// Threads one SM keeps resident.
  package var threadsPerSM: Int
  /// Threads that the schedulers of one SM issue an instruction for in one clock.
  package var issueLanes: Double
  /// Single-precision multiply-adds per clock and SM.
  package var coreRate: Double
  /// Exponentials and reciprocals per clock and SM.
  package var specialLanes: Double
  /// Hyperbolic tangents per clock and SM.
  package var tanhLanes: Double
  /// Multiply-adds per clock and SM of the fastest dense 16-bit floating-point instruction, on the cores if need be.
  package var matrixRate16: Double
  /// As `matrixRate16` for 8-bit floating point; 0 without an instruction.
  package var matrixRate8: Double
  package var cacheCapacity: Double
  /// Bytes per second the L2 hands to all SMs together.
  package var cacheRate: Double
  /// Bytes per second at the memory pins.
  package var memoryRate: Double

  /// Joules of a multiply-add of `matrixRate16`, of `matrixRate8` and of `coreRate`, and of a byte at the memory.
  package var matrixEnergy16: Double
  package var matrixEnergy8: Double
  package var coreEnergy: Double
  package var memoryEnergy: Double
  package var power: PowerLimit

  package func seconds(_ clocks: Double) -> Double { clocks / clock }

  /// What `seconds` at boost become when this work holds the clock down.
  func underPower(_ seconds: Double, multiplyAdds: Double, energy: Double, bytes: Double) -> Double {
    seconds / power.feltShare(work: multiplyAdds * energy + bytes * memoryEnergy, seconds: seconds, boost: clock)
  }
}

extension DeviceRates {
  /// The rates of a described GPU as streaming code of `software` reaches them.
  package init(_ gpu: GPUDescription, _ software: StreamingSoftware) {
    let lanes = gpu.sm.fp32Lanes
    self.init(
      smCount: gpu.smCount, clock: gpu.boostClock, threadsPerSM: Int(gpu.sm.threads), issueLanes: software.issueLanes, coreRate: lanes,
      specialLanes: gpu.sm.specialLanes, tanhLanes: gpu.sm.specialLanes / gpu.sm.tanhOperations,
      matrixRate16: max(gpu.fastestInstruction(for: .float16)?.rate ?? 0, lanes),
      matrixRate8: gpu.fastestInstruction(for: .float8e4m3)?.rate ?? 0,
      cacheCapacity: gpu.l2.capacity, cacheRate: gpu.l2.bytesPerClock * gpu.boostClock * software.cacheEfficiency,
      memoryRate: gpu.memory.bandwidth, matrixEnergy16: gpu.energyPerMultiply(.float16),
      matrixEnergy8: gpu.energyPerMultiply(.float8e4m3), coreEnergy: gpu.energyPerCoreMultiply, memoryEnergy: gpu.memory.energyPerByte,
      power: gpu.power)
  }
}
