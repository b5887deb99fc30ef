internal import Foundation

/// What is known about the values of a weight tensor: enough to say how far an entropy coder shrinks it.
package struct ValueStatistics: Hashable, Sendable {
  package var count: Int
  package var zeros: Int
  /// Σ −log₂ p over all values: the bits of an ideal order-0 code.
  package var entropyBits: Double

  package init(count: Int, zeros: Int, entropyBits: Double) {
    self.count = count
    self.zeros = zeros
    self.entropyBits = entropyBits
  }

  /// Counts one-byte values.
  package init(bytes: UnsafeRawBufferPointer) {
    var histogram = [Int](repeating: 0, count: 256)
    for byte in bytes { histogram[Int(byte)] += 1 }
    let total = bytes.count
    var bits = 0.0
    for n in histogram where n > 0 { bits -= Double(n) * log2(Double(n) / Double(total)) }
    self.init(count: total, zeros: histogram[0], entropyBits: bits)
  }

  /// Ideal bits after `padding` zeros are mixed in, in closed form: with `S = T·log T − Σ n·log n`,
  /// only the terms of the total and of the zeros change.
  package func entropyBits(paddedTo total: Int) -> Double {
    func term(_ n: Int) -> Double { n > 0 ? Double(n) * log2(Double(n)) : 0 }
    let padding = max(0, total - count)
    return entropyBits + term(count + padding) - term(count) - term(zeros + padding) + term(zeros)
  }
}

/// How constant operands are stored, and what the decoder adds.
package struct WeightCode: Hashable, Sendable {
  /// True when a lossless coder stands between memory and array.
  package var isEntropyCoded: Bool
  /// Coded size over ideal order-0 size.
  package var codingOverhead: Double
  /// Bytes that every coded stream costs besides its symbols.
  package var streamBytes: Int
  /// Bytes of scale and bias per output channel.
  package var channelBytes: Int
  /// Streams start at multiples of this.
  package var alignment: Int
  /// Bits per stored weight assumed when the values are not known, for 8-bit weights.
  package var assumedBits: Double
  /// Numbers that the coder can list in a table, with positions in place of weights; 0 without tables.
  package var paletteSize: Int
  /// Stored bytes per depthwise weight over its own size (expansion to a block-diagonal form).
  package var depthwiseExpansion: Double
  /// Uncoded weights are stored for whole groups of outputs and of input channels: the rest is padding.
  package var outputGranule: Int
  package var inputGranule: Int

  package init(
    isEntropyCoded: Bool = false, codingOverhead: Double = 1, streamBytes: Int = 0, channelBytes: Int = 0,
    alignment: Int = 1, assumedBits: Double = 8, paletteSize: Int = 0, depthwiseExpansion: Double = 1, outputGranule: Int = 1,
    inputGranule: Int = 1
  ) {
    self.isEntropyCoded = isEntropyCoded
    self.codingOverhead = codingOverhead
    self.streamBytes = streamBytes
    self.channelBytes = channelBytes
    self.alignment = alignment
    self.assumedBits = assumedBits
    self.paletteSize = paletteSize
    self.depthwiseExpansion = depthwiseExpansion
    self.outputGranule = outputGranule
    self.inputGranule = inputGranule
  }

  /// Bytes of scales and biases of `channels` outputs.
  package func scaleBytes(channels: Int) -> Int { roundUp(channelBytes * roundUp(channels, to: outputGranule), to: alignment) }

  /// Weights of `shape` with the padding of their groups; a depthwise layer has one input channel per output.
  func storedElements(_ shape: LayerShape) -> Int {
    if shape.isDepthwise { return roundUp(shape.outputChannels, to: outputGranule) * shape.kernelElements }
    return shape.groups * roundUp(shape.gemmColumns, to: outputGranule) * roundUp(shape.channelsPerGroup, to: inputGranule)
      * shape.kernelElements
  }

  /// Stored bytes of plain weights with their scales.
  func storedBytes(_ shape: LayerShape, bits: Int) -> Int {
    weightBytes(shape, bits: bits, padded: shape.weightElements, statistics: nil) + scaleBytes(channels: shape.outputChannels)
  }

  /// Bits per weight where the values are not known: those assumed, or positions in a table that holds all of them.
  ///
  /// - Parameter palette: how many different numbers there are at most; nil for any.
  package func bitsPerWeight(_ bits: Int, palette: Int?) -> Double {
    let assumed = assumedBits * Double(bits) / 8
    guard let palette, palette > 0, palette <= paletteSize else { return assumed }
    return min(assumed, log2(Double(max(2, palette))).rounded(.up))
  }

  /// Stored bytes of the weights of `shape` with `bits` per weight, `padded` of them after alignment to the array.
  package func weightBytes(
    _ shape: LayerShape, bits: Int, padded: Int, statistics: ValueStatistics?, palette: Int? = nil
  ) -> Int {
    let expansion = shape.isDepthwise ? depthwiseExpansion : 1
    guard isEntropyCoded else {
      return roundUp(Int((Double(storedElements(shape) * bits) / 8 * expansion).rounded(.up)), to: alignment)
    }
    let ideal: Double
    if let statistics {
      ideal = statistics.entropyBits(paddedTo: padded)
    } else {
      // Zeros that pad a shape cost what a rare symbol in a long run costs.
      let share = Double(shape.weightElements) / Double(max(padded, 1))
      let mixing = share < 1 ? -share * log2(share) - (1 - share) * log2(1 - share) : 0
      ideal = bitsPerWeight(bits, palette: palette) * Double(shape.weightElements) + mixing * Double(padded)
    }
    return roundUp(streamBytes + Int(ideal * codingOverhead / 8), to: alignment)
  }
}
