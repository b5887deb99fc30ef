/// The few numbers of a GPU that kernels outside the matrix library work from.
package struct DeviceRates: Sendable, Hashable {
  package var smCount: Int
  /// Core clock in Hz.
  package var clock: Double
  /// Threads one SM keeps resident.
  package var threadsPerSM: Int
  /// Single-precision instructions per clock and SM.
  package var lanes: Double
  /// Exponentials and reciprocals per clock and SM.
  package var specialLanes: Double
  /// Multiply-adds per clock and SM of the fastest dense 16-bit floating-point matrix instruction; 0 without one.
  package var matrixRate16: Double
  /// As `matrixRate16` for 8-bit floating point.
  package var matrixRate8: Double
  package var cacheCapacity: Double
  /// Bytes per second the L2 hands to all SMs together.
  package var cacheRate: Double
  /// Bytes per second at the memory pins.
  package var memoryRate: Double

  package init(
    smCount: Int, clock: Double, threadsPerSM: Int, lanes: Double, specialLanes: Double, matrixRate16: Double,
    matrixRate8: Double, cacheCapacity: Double, cacheRate: Double, memoryRate: Double
  ) {
    self.smCount = smCount
    self.clock = clock
    self.threadsPerSM = threadsPerSM
    self.lanes = lanes
    self.specialLanes = specialLanes
    self.matrixRate16 = matrixRate16
    self.matrixRate8 = matrixRate8
    self.cacheCapacity = cacheCapacity
    self.cacheRate = cacheRate
    self.memoryRate = memoryRate
  }

  package func seconds(_ clocks: Double) -> Double { clocks / clock }
}
