package import IR

/// One matrix product as the kernel model sees it: extents, encodings, and what the caches hold before it starts.
///
/// `batch` independent products C[m,n] = Σ_k A[m,k]·B[k,n]; A is the activation, B the weight (or second activation).
package struct GEMMShape: Sendable, Hashable {
  /// Shares found in the L2 of A, of B and of what the epilogue reads, and the share of the result that never leaves it.
  package struct Residency: Sendable, Hashable {
    package var activation: Double
    package var weight: Double
    package var epilogue: Double
    package var stored: Double
    /// Shares of A and B that an L2 would hold which lost nothing of its capacity, all where that is not known: what floors count with.
    package var mostOfActivation: Double
    package var mostOfWeight: Double

    package init(
      activation: Double, weight: Double, epilogue: Double, stored: Double, mostOfActivation: Double = 1, mostOfWeight: Double = 1
    ) {
      self.activation = activation
      self.weight = weight
      self.epilogue = epilogue
      self.stored = stored
      self.mostOfActivation = max(activation, mostOfActivation)
      self.mostOfWeight = max(weight, mostOfWeight)
    }
  }

  /// How operands lie in memory.
  package struct StoredOperands: Sendable, Hashable {
    package var activation: ElementType
    package var weight: ElementType
  }

  package var batch: Int
  package var m: Int
  package var n: Int
  package var k: Int
  package var activation: ElementType
  package var weight: ElementType
  package var output: ElementType
  /// True when scales belong to blocks along the reduction axis.
  package var isBlockScaled: Bool
  /// True when the activations' scale is found at run time.
  package var isDynamic: Bool
  /// True when B holds two of every four values.
  package var isSparse: Bool
  /// Distinct bytes of A in device memory when A is read with overlap (convolution); nil for a plain matrix.
  package var activationBytes: Double?
  /// Bytes touched between two uses of this weight: other layers, or other copies in a benchmark; decides whether it is
  /// still in the L2. `.infinity` for a model much larger than the L2.
  package var weightReuseBytes: Double
  /// Bytes the epilogue reads beside the accumulators: a residual, a bias.
  package var epilogueBytes: Double
  /// Within a run of a whole model: what the L2 holds; nil for a benchmark, which the two rules above describe.
  package var residency: Residency?
  /// Formats in memory when the kernel widens operands in registers; nil when they are multiplied as they are stored.
  package var storedOperands: StoredOperands?
  /// Bytes the kernel writes when steps fused behind the product store another format or more; nil for C itself.
  package var storedBytes: Double?

  package init(
    batch: Int = 1, m: Int, n: Int, k: Int, activation: ElementType, weight: ElementType, output: ElementType,
    isBlockScaled: Bool = false, isDynamic: Bool = false, isSparse: Bool = false, activationBytes: Double? = nil,
    weightReuseBytes: Double = .infinity, epilogueBytes: Double = 0, storedBytes: Double? = nil,
    residency: Residency? = nil
  ) {
    self.batch = batch
    self.m = m
    self.n = n
    self.k = k
    self.activation = activation
    self.weight = weight
    self.output = output
    self.isBlockScaled = isBlockScaled
    self.isDynamic = isDynamic
    self.isSparse = isSparse
    self.activationBytes = activationBytes
    self.weightReuseBytes = weightReuseBytes
    self.epilogueBytes = epilogueBytes
    self.storedBytes = storedBytes
    self.residency = residency
  }

  package var macs: Double { Double(batch) * Double(m) * Double(n) * Double(k) }
  /// Bytes of the result as the kernel stores it.
  package var resultBytes: Double { storedBytes ?? Double(batch) * Double(m) * Double(n) * Double(output.bits) / 8 }
}

/// Where the time of a product goes.
package struct GEMMEstimate: Sendable, Hashable {
  package enum Limit: String, Sendable, CaseIterable {
    case issue, sharedMemory, l2, deviceMemory, latency, store, launch, vector
  }

  package var seconds: Double
  /// No implementation can be faster: peak issue rate at boost clock, or bytes that must come from device memory.
  package var floorSeconds: Double
  package var limit: Limit
  /// The chosen kernel.
  package var path: String
  package var tile: GEMMTile?
  package var split: Int
  /// Thread blocks, and how many the machine holds at once.
  package var blocks: Double
  package var slots: Double
  /// Parts of the time in seconds; they sum to `seconds`.
  package var launch: Double
  package var prelude: Double
  package var fill: Double
  package var mainLoop: Double
  package var epilogue: Double
  package var reduction: Double
  package var skew: Double
  /// Sustained clock as a share of the boost clock.
  package var clockShare: Double
  package var deviceBytes: Double
  package var l2Bytes: Double
  package var sharedBytes: Double
  /// Dynamic and idle energy over the kernel, in joules.
  package var energy: Double

  package var waves: Double { slots > 0 ? blocks / slots : 0 }
}
