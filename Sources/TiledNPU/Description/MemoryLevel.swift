/// One memory that the accelerator reads and writes: capacity, speed and protocol costs.
package struct MemoryLevel: Hashable, Sendable {
  package var name: String
  /// Nil for a memory that is large enough for anything.
  package var capacity: Int?
  /// Bytes per cycle of the accelerator's clock over all ports, before efficiency.
  package var peakBytesPerCycle: Double
  /// Share of the peak that long transfers reach (refresh, turnaround, arbitration).
  package var efficiency: Double
  package var readLatency: Int
  package var writeLatency: Int
  /// Bytes of the longest burst; shorter pieces cost as much as a whole one. 1 when pieces do not matter.
  package var burst: Int
  /// Reads that may be under way at once over all ports; nil when nothing but the port limits them.
  package var outstandingReads: Int?
  /// Single-ported banks that the array and the transfer engines share; nil when both have ports of their own.
  package var banks: Int?
  package var readEnergyPerByte: Double?
  package var writeEnergyPerByte: Double?

  package init(
    name: String, capacity: Int?, peakBytesPerCycle: Double, efficiency: Double = 1, readLatency: Int = 0,
    writeLatency: Int = 0, burst: Int = 1, outstandingReads: Int? = nil, banks: Int? = nil, readEnergyPerByte: Double? = nil,
    writeEnergyPerByte: Double? = nil
  ) {
    self.name = name
    self.capacity = capacity
    self.peakBytesPerCycle = peakBytesPerCycle
    self.efficiency = efficiency
    self.readLatency = readLatency
    self.writeLatency = writeLatency
    self.burst = burst
    self.outstandingReads = outstandingReads
    self.banks = banks
    self.readEnergyPerByte = readEnergyPerByte
    self.writeEnergyPerByte = writeEnergyPerByte
  }

  package var bytesPerCycle: Double { peakBytesPerCycle * efficiency }

  /// Whole cycles in which `bytes` pass, without latency.
  package func cycles(for bytes: Int) -> Int { Int((Double(bytes) / bytesPerCycle).rounded(.down)) }

  /// What `bytes` in pieces of `piece` bytes cost on the bus, as the bytes of whole bursts.
  package func burstBytes(_ bytes: Int, piece: Int) -> Int {
    let length = max(1, min(burst, piece))
    return bytes * burst / length
  }

  /// Bytes of port slots lost when `array` bytes and `engine` bytes pass side by side: two accesses that fall into the same
  /// one of `banks` banks, which one in `banks` pairs does, take two slots.
  package func conflictBytes(array: Int, engine: Int) -> Int { banks.map { min(array, engine) / max($0, 1) } ?? 0 }

  /// Cycles of one copy of `bytes` from this memory into `destination`.
  package func copyCycles(_ bytes: Int, to destination: MemoryLevel) -> Int {
    max(cycles(for: bytes) + readLatency, destination.cycles(for: bytes) + writeLatency)
  }
}
