extension BlockArray {
  /// Bytes per cycle that one kind of transfer reaches on `memory`: what its buffer has in flight over one latency.
  ///
  /// Four fifths of the requests and of the time are used, as in Arm Vela's performance model (Apache-2.0).
  package func bandwidth(_ channel: Channel, of memory: MemoryLevel) -> Double {
    guard let buffer = readBuffers[channel], memory.readLatency > 0 else { return memory.bytesPerCycle }
    let bursts = min(Double(buffer) / Double(memory.burst), memory.outstandingReads.map { 0.8 * Double($0) } ?? .infinity)
    return min(memory.bytesPerCycle, 0.8 * bursts * Double(memory.burst) / Double(memory.readLatency))
  }
}
