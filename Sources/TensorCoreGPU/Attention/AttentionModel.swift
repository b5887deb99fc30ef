internal import Basic
internal import Results

/// Time of one fused attention (online softmax) with the kernels of one library.
package struct AttentionModel: Sendable {
  package var device: DeviceRates
  package var library: AttentionLibrary
  /// Share of the L2 whose content survives until the cache is read again.
  package var residentShare: Double

  package init(device: DeviceRates, library: AttentionLibrary, residentShare: Double) {
    self.device = device
    self.library = library
    self.residentShare = residentShare
  }

  /// The model of a described GPU with one of its libraries.
  package init(_ gpu: GPUDescription, _ software: StreamingSoftware, _ library: AttentionLibrary) {
    self.init(device: DeviceRates(gpu, software), library: library, residentShare: software.residentShare)
  }

  /// Nil when the library has no kernel for the shape. `sharesStorage` is a property of a benchmark: keys and values alias.
  package func estimate(_ shape: AttentionShape, isDecode: Bool, sharesStorage: Bool = false) -> KernelEstimate? {
    if isDecode, let kernel = decodeKernel(shape) {
      return decode(shape, kernel, sharesStorage: sharesStorage)
    }
    return prefill(shape)
  }

  /// One query per sequence against a cache takes the decode kernels of the library, anything else the tiled ones.
  ///
  /// What a serving library does around its tiled kernel (rotation, cache layout, list of blocks) is part of its operation,
  /// and of the timings of operations; in a program the rotation is a node of its own and the rest does not happen.
  /// - `start`: of a tiled kernel in a program, seconds from the kernel before to the first block; nil for the operation.
  /// - `found`: share of all the kernel reads that the L2 holds in a program, where a cache was last read one token ago; nil
  ///   for timings of operations, which find what fits.
  package func estimate(_ shape: AttentionShape, start: Double? = nil, found: Double? = nil) -> KernelEstimate? {
    if shape.queries == 1, shape.keys > 1, let kernel = decodeKernel(shape) {
      return decode(shape, kernel, sharesStorage: false, found: found)
    }
    return prefill(shape, start: start, found: found ?? 0)
  }

  private func decodeKernel(_ shape: AttentionShape) -> DecodeKernel? { library.decode.first { $0.serves(shape) } }

  private func prefill(_ shape: AttentionShape, start: Double? = nil, found: Double = 0) -> KernelEstimate? {
    let model = PrefillModel(device: device, kernels: library.prefill, memoryEfficiency: library.memoryEfficiency)
    guard var parts = model.parts(shape) else { return nil }
    if let start {
      parts.launch = min(start, parts.launch)
      parts.rearrange = 0
    }
    let isCompute = parts.blocks >= parts.traffic
    let bound: Bound = parts.attention < parts.launch ? .launch : isCompute ? .compute : .memory
    let tile = "\(parts.tile.queries)×\(parts.tile.keys)"
    return KernelEstimate(
      seconds: parts.seconds, floorSeconds: floor(shape, usesEightBits: parts.usesEightBits), bound: bound,
      reason: isCompute
        ? "products and softmax of \(tile) tiles take \(Format.seconds(parts.blocks))"
        : "queries, keys and values stream for \(Format.seconds(parts.traffic))",
      choice: "\(library.name) \(tile)\(parts.usesEightBits ? " fp8" : "")",
      memoryBytes: (shape.keyValueBytes + shape.queryBytes) * (1 - found))
  }

  private func decode(_ shape: AttentionShape, _ kernel: DecodeKernel, sharesStorage: Bool, found: Double? = nil) -> KernelEstimate {
    let model = DecodeModel(
      device: device, kernel: kernel, library: library, residentShare: residentShare)
    let parts = model.parts(shape, sharesStorage: sharesStorage, found: found)
    let body = max(parts.blocks, parts.traffic + parts.exposed)
    let isStreaming = parts.traffic > body / 2
    let bound: Bound = body < parts.launch ? .launch : !isStreaming ? .feed : parts.found == 1 ? .cache : .memory
    return KernelEstimate(
      seconds: parts.seconds, floorSeconds: floor(shape, usesEightBits: false, sharesStorage: sharesStorage),
      bound: bound,
      reason: isStreaming
        ? "\(Format.bytes(shape.keyValueBytes)) of keys and values stream for \(Format.seconds(parts.traffic))"
        : "blocks start and wait for their keys for \(Format.seconds(body))",
      choice: "\(library.name) \(kernel.name)\(parts.pieces > 1 ? ", \(parts.pieces) pieces" : "")",
      memoryBytes: shape.keyValueBytes * (1 - parts.found))
  }

  /// Every operand once at the faster of the L2 and the pins, every multiply-add at the issue rate.
  private func floor(_ shape: AttentionShape, usesEightBits: Bool, sharesStorage: Bool = false) -> Double {
    let bytes = shape.keyValueBytes * (sharesStorage ? 0.5 : 1) + shape.queryBytes
    let wide = shape.queryBits > 16 ? device.coreRate : device.matrixRate16
    let rate = max(usesEightBits ? device.matrixRate8 : wide, 1)
    let compute = shape.multiplyAdds / (rate * Double(device.smCount) * device.clock)
    let moved = bytes / max(device.memoryRate, device.cacheRate)
    return shape.queries == 1 ? moved : max(compute, moved)
  }
}
