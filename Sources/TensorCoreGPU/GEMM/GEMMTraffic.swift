/// What a shape brings from where: bytes of each operand and how much of them the L2 already holds.
struct GEMMTraffic {
  let shape: GEMMShape
  let encoding: OperandBytes
  let m: Double
  let n: Double
  let k: Double
  let aBytes: Double
  let bBytes: Double
  let cBytes: Double
  /// Distinct bytes of A over those of its m × k view: below one for a convolution, whose taps overlap within a wave.
  let distinctShare: Double
  /// Elements of the result, and bytes its epilogue moves for each.
  let elements: Double
  let storedPerElement: Double
  /// Bytes of the epilogue that device memory carries: without what the L2 holds.
  let drainedBytes: Double
  /// Of those per element, a written byte at its cost.
  let drainedPerElement: Double
  /// Share of A that its producer left in the L2.
  let hotA: Double
  /// Share of B that survived in the L2 since its last use.
  let hotB: Double
  /// Share of both operands that stays in the L2 once it has been read.
  let kept: Double

  init(_ shape: GEMMShape, encoding: OperandBytes, on gpu: GPUDescription) {
    self.shape = shape
    self.encoding = encoding
    m = Double(shape.m)
    n = Double(shape.n)
    k = Double(shape.k)
    let batch = Double(shape.batch)
    let viewed = batch * m * k * encoding.activation
    aBytes = shape.activationBytes ?? viewed
    distinctShare = min(1, aBytes / max(viewed, 1))
    bBytes = batch * n * k * encoding.weight
    elements = batch * m * n
    cBytes = shape.resultBytes
    storedPerElement = (cBytes + shape.epilogueBytes) / max(elements, 1)
    let cache = gpu.l2.capacity * gpu.l2.usableShare
    let held = shape.residency
    let written = cBytes * (1 - (held?.stored ?? 0))
    let read = shape.epilogueBytes * (1 - (held?.epilogue ?? 0))
    drainedBytes = written + read
    drainedPerElement = (written * gpu.gemm.writeCost + read) / max(elements, 1)
    hotA = held?.activation ?? min(1, cache / max(aBytes, 1))
    let survives = min(1, max(0, (cache - aBytes) / max(shape.weightReuseBytes, bBytes + cBytes)))
    hotB = held?.weight ?? survives * survives
    kept = min(1, cache / max(aBytes + bBytes, 1))
  }

  /// Share of the bytes waves ask for that device memory has to deliver.
  func missShare(asked: Double, own: Double, hot: Double) -> Double {
    let most = max(asked, own)
    guard most > 0 else { return 0 }
    return (own + (most - own) * (1 - kept)) / most * (1 - hot)
  }
}
