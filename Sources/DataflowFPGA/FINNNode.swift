/// Cycle and resource formulas of FINN's hardware nodes.
///
/// MW = inputs of a dot product (k·k·channels for a convolution), MH = dot products, cf = channels / SIMD.
/// Source: FINN compiler, `get_exp_cycles` and resource estimates of its custom ops; LUT model: Blott et al., FINN-R, 2018.
package enum FINNNode {
  /// Matrix-vector unit: (MW/SIMD)·(MH/PE) per output word.
  package static func matrixVector(inputs: Int, outputs: Int, pe: Int, simd: Int, words: Int) -> Int {
    inputs / max(1, simd) * (outputs / max(1, pe)) * words
  }

  package static func pool(channels: Int, taps: Int, pe: Int, words: Int) -> Int {
    channels * taps / max(1, pe) * words
  }

  /// Geometry of a sliding-window unit; `folds` = channels / SIMD.
  package struct Window: Sendable, Hashable {
    package var layer: LayerSpec
    package var folds: Int
    package var isDepthwise: Bool
    /// The whole window is given in one word.
    package var isParallel: Bool

    package init(layer: LayerSpec, folds: Int, isDepthwise: Bool = false, isParallel: Bool = false) {
      self.layer = layer
      self.folds = folds
      self.isDepthwise = isDepthwise
      self.isParallel = isParallel
    }

    /// Cycles per frame of the RTL unit: fill of the first window, then per output row the longer of giving and taking.
    ///
    ///     ((kh-1)·dh·W + (kw-1)·dw + 1)·cf + oh·max(ow·kh·kw·cf, sh·W·cf)
    ///
    /// Depthwise adds ow·(sw-1)·(cf-1) to giving a row and (sh-1)·W·cf per row; a parallel window costs its input + 2;
    /// one-dimensional windows ow·kw·cf + 2.
    package var cycles: Int {
      let l = layer
      if isParallel { return l.pixels * folds + 2 }
      if l.kernelHeight == 1, l.height == 1 { return l.outputWidth * l.kernelWidth * folds + 2 }
      let fill = ((l.kernelHeight - 1) * l.dilationHeight * l.width + (l.kernelWidth - 1) * l.dilationWidth + 1) * folds
      var give = l.outputWidth * l.kernelHeight * l.kernelWidth * folds
      if isDepthwise { give += l.outputWidth * (l.strideWidth - 1) * (folds - 1) }
      let take = l.strideHeight * l.width * folds
      let row = max(give, take) + (isDepthwise ? (l.strideHeight - 1) * l.width * folds : 0)
      return fill + l.outputHeight * row
    }
  }

  /// LUTs of a node's control, c₀, and growth of a matrix-vector unit against the sum of its parts, c₁: the regression in the compiler's own
  /// estimates (`lut_estimation` of its matrix-vector and sliding-window nodes, FINN-R), which are the same for every part.
  package static let controlTables = 300
  private static let tableSlope = 1.1

  /// Halves of block memory for weights, `simd·pe·bits` wide and `inputs·outputs/(simd·pe)` deep.
  package static func weightBlocks(inputs: Int, outputs: Int, pe: Int, simd: Int, bits: Int, ladder: MemoryLadder)
    -> Int
  {
    ladder.primitives(depth: max(1, inputs * outputs / max(1, pe * simd)), width: simd * pe * bits)
  }

  /// LUTs of a matrix-vector unit: c₀ + c₁·PE·(multipliers + tree + accumulator), multipliers 0 in DSP blocks.
  package static func matrixVectorTables(
    inputs: Int, pe: Int, simd: Int, weightBits: Int, dataBits: Int, usesBlocks: Bool
  ) -> Int {
    let sum = weightBits + dataBits
    let multipliers = usesBlocks ? 0 : simd * (2 * ((sum + 5) / 6) - 1) * sum
    let tree = sum * (2 * simd - 1)
    let accumulator = LatencyKernel.treeLevels(max(1, inputs)) + sum
    return controlTables + Int((tableSlope * Double(pe * (multipliers + tree + accumulator))).rounded())
  }

  /// DSP blocks of a matrix-vector unit with operands up to `bits` wide: packed along PE where the block can, none below
  /// four bits.
  package static func matrixVectorBlocks(pe: Int, simd: Int, weightBits: Int, dataBits: Int, block: DSPBlock) -> Int {
    let bits = max(weightBits, dataBits)
    guard bits >= 4, min(weightBits, dataBits) > 1 else { return 0 }
    let packed = block.packing.filter { $0.bits >= bits }.map(\.count).max() ?? 1
    return packed > 1 ? (pe + packed - 1) / packed * simd : pe * simd * ((weightBits + dataBits + 47) / 48)
  }
}

/// Processing elements and SIMD lanes of one FINN node.
package struct FINNFolding: Sendable, Hashable {
  package var pe: Int
  package var simd: Int
  /// Steps per output word: (MW/SIMD)·(MH/PE).
  package var steps: Int

  /// Raises SIMD while a weight word stays within `wordBits`, then PE, until a word takes at most `steps` steps.
  package init(layer: LayerSpec, steps goal: Int, wordBits: Int) {
    let all = Self.sequence(layer, wordBits: wordBits)
    self = all.first { $0.steps <= goal } ?? all.last ?? FINNFolding(pe: 1, simd: 1, steps: max(1, layer.weightCount))
  }

  /// A folding that was asked for; nil when the unit cannot be cut that way.
  package init?(layer: LayerSpec, pe: Int, simd: Int) {
    guard pe > 0, simd > 0, layer.kernelOutputs > 0, layer.kernelOutputs % pe == 0, Self.lanes(layer) % simd == 0 else { return nil }
    self.init(pe: pe, simd: simd, steps: layer.kernelInputs / simd * (layer.kernelOutputs / pe))
  }

  /// Inputs that can be taken side by side: a sliding-window unit folds channels, so that SIMD divides them.
  package static func lanes(_ layer: LayerSpec) -> Int {
    layer.kind == .convolution ? max(1, layer.channels / max(1, layer.groups)) : layer.kernelInputs
  }

  private init(pe: Int, simd: Int, steps: Int) {
    (self.pe, self.simd, self.steps) = (pe, simd, steps)
  }

  /// All foldings in the order the search visits them: steps descending.
  package static func sequence(_ layer: LayerSpec, wordBits: Int) -> [FINNFolding] {
    let (inputs, outputs) = (layer.kernelInputs, layer.kernelOutputs)
    guard inputs > 0, outputs > 0 else { return [] }
    let lanes = lanes(layer)
    var result: [FINNFolding] = []
    var simd = 1
    for candidate in divisors(lanes) where candidate * layer.weightBits <= max(wordBits, layer.weightBits) {
      simd = candidate
      result.append(FINNFolding(pe: 1, simd: simd, steps: inputs / simd * outputs))
    }
    for pe in divisors(outputs).dropFirst() {
      result.append(FINNFolding(pe: pe, simd: simd, steps: inputs / simd * (outputs / pe)))
    }
    for wider in divisors(lanes) where wider > simd {
      result.append(FINNFolding(pe: outputs, simd: wider, steps: inputs / wider))
    }
    return result
  }

  private static func divisors(_ value: Int) -> [Int] {
    var low: [Int] = []
    var high: [Int] = []
    var candidate = 1
    while candidate * candidate <= value {
      if value % candidate == 0 {
        low.append(candidate)
        if candidate * candidate != value { high.append(value / candidate) }
      }
      candidate += 1
    }
    return low + high.reversed()
  }
}
