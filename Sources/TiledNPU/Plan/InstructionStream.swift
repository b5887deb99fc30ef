package import Lowering

/// The program of a run on machines that read it anew for every run, from the memory where weights are at rest.
///
/// A layer's part is `layerBytes + resultBytes · results`: loops over the parts of a feature map are written out. The first
/// `bufferBytes` of a run are there before the first layer begins; the rest follows layer by layer, like weights.
package struct InstructionStream: Hashable, Sendable {
  package var layerBytes: Int
  /// Bytes per element that the layer writes.
  package var resultBytes: Double
  /// Instructions that can wait on the chip.
  package var bufferBytes: Int

  package init(layerBytes: Int, resultBytes: Double, bufferBytes: Int) {
    self.layerBytes = layerBytes
    self.resultBytes = resultBytes
    self.bufferBytes = bufferBytes
  }

  /// Bytes of instructions for one kernel.
  package func bytes(for kernel: Kernel) -> Int {
    let results = kernel.writes.reduce(0) { $0 + $1.operand.count }
    return layerBytes + Int((resultBytes * Double(results)).rounded(.up))
  }

  /// Puts what every layer's instructions move on `memory`.
  func add(to layers: inout [Layer], _ kernels: [Kernel], on memory: Int) {
    let working = layers.indices.filter { layers[$0].place == .array || layers[$0].place == .vector }
    guard let first = working.first else { return }
    var free = bufferBytes
    for index in working {
      let all = bytes(for: kernels[index])
      let early = min(all, free)
      free -= early
      layers[first].transfers[memory].load += early
      layers[first].transfers[memory].firstLoad += early
      layers[first].compulsory[memory] += early
      layers[index].transfers[memory].prefetch += all - early
      layers[index].transfers[memory].firstPrefetch += all - early
      layers[index].compulsory[memory] += all - early
      layers[index].prefetchLimit += min(all - early, bufferBytes)
    }
  }
}
