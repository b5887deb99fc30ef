/// How one generation of a high-level-synthesis tool implements layers: the numbers that change with the tool, not the part.
///
/// All are data of the target file (`<tool>`), because the same network on the same part has another latency with
/// another version of the tool.
package struct ImplementationProfile: Sendable, Hashable {
  package var name: String
  /// How layers are folded.
  package var folding: Folding
  /// Widest weight word of a folding by processing elements, bits.
  package var weightWordBits: Int
  /// Reports the profile describes: words that the tool's and the design's name contain.
  package var reports: [ReportPattern]
  package var timing: StreamTiming
  package var kernel: KernelTiming
  package var area: AreaLaw
  package var memory: MemoryUse
  package var multiplier: MultiplierRule
  /// How the synthesis report counts logic, where that is known; elsewhere it claims what `area` says it does.
  package var logic: ReportedLogic

  package enum Folding: String, Sendable, Hashable, CaseIterable {
    /// A loop of `reuse` steps over all outputs (hls4ml).
    case reuse
    /// PE outputs and SIMD inputs at once (FINN).
    case processingElements = "processing-elements"
  }

  /// `tool` and `design` are parts of the names in a report table; empty matches all.
  package struct ReportPattern: Sendable, Hashable {
    package var tool: String
    package var design: String
  }

  /// Cycles of the stages of a stream pipeline.
  package struct StreamTiming: Sendable, Hashable {
    /// Cycles a convolution spends per step besides the reuse loop: as the synthesis report says, and in the hardware.
    package var convolutionReported: Int
    package var convolution: Int
    /// Cycles for an input word that completes no window.
    package var skip: Int
    /// Cycles the hardware adds to each window of a pipelined (latency-strategy) convolution.
    package var latencyStall: Int
    /// Cycles per row that padding loops lose, and extra cycles per copied word, when the pad is wider than one.
    package var paddingRow: Int
    package var paddingCopy: Int
    /// Cycles per frame that entering those loops costs.
    package var paddingLoops: Int
    /// Cycles per word of pooling under the resource and the latency strategy, and to the first result of pooling and of
    /// element-wise stages.
    package var poolInterval: Int
    package var poolIntervalUnrolled: Int
    package var poolDepth: Int
    package var activationDepth: Int
    /// Cycles of a dense layer besides reading its words and the reuse loop.
    package var dense: Int
    /// Cycles of a softmax with a shared and with an unrolled multiplier.
    package var softmaxShared: Int
    package var softmaxUnrolled: Int
    /// Frames the control interface lets in at once; 0 for as many as fit.
    package var framesInFlight: Int
  }

  /// Depth of an unrolled multiply-add tree.
  package struct KernelTiming: Sendable, Hashable {
    /// Clock period from which a multiplication and the first addition share a cycle, nanoseconds.
    package var relaxedPeriod: Double
    /// Cycles added to ceil(log2(inputs)): relaxed clock, fast clock, and more for a hard multiplier at a fast clock.
    package var relaxed: Int
    package var fast: Int
    package var fastMultiplier: Int
    /// Cycles after the last shared multiplication; with a single multiplier in tables, and a single hard one behind a
    /// wide selector.
    package var shared: Int
    package var single: Int
    package var singleBlock: Int
    /// Inputs up to which the tool balances the tree; above, (inputs - serialOffset) / serialRate cycles.
    package var balancedInputs: Int
    package var serialOffset: Double
    package var serialRate: Double
    /// Leading bits of a weight that training leaves unused, for the share of products that need a multiplier.
    package var idleWeightBits: Int
  }

  /// Look-up tables and flip-flops after logic synthesis, and the ratio to what the synthesis report claims.
  package struct AreaLaw: Sendable, Hashable {
    /// Per bit of a kernel's input window (multiplexers, window registers).
    package var lutPerInputBit: Double
    package var ffPerInputBit: Double
    /// Per parallel multiplier (operand selection, accumulation).
    package var lutPerMultiplier: Double
    package var ffPerMultiplier: Double
    /// Per dot product (rounding, saturation, accumulator) and per bit of its weights.
    package var lutPerOutput: Double
    package var ffPerOutput: Double
    package var lutPerOutputWeightBit: Double
    /// Per addition of an unrolled kernel: one per non-zero weight beyond the first of an output, one per two-digit weight.
    package var lutPerAddition: Double
    package var ffPerAddition: Double
    /// Per element of an activation in parallel.
    package var lutPerActivation: Double
    package var ffPerActivation: Double
    /// Per element of a softmax between registers (maximum, sum, table addressing).
    package var lutPerSoftmax: Double
    package var ffPerSoftmax: Double
    /// Per layer (control).
    package var ffPerLayer: Double
    /// Per window FIFO in block memory.
    package var ffPerWindowFIFO: Double
    /// Share of the reported look-up tables and flip-flops that survive logic synthesis.
    package var lutKept: Double
    package var ffKept: Double
  }

  /// Where arrays go.
  package struct MemoryUse: Sendable, Hashable {
    /// FIFO bits from which the synthesis report counts block memory.
    package var reportedFIFOBits: Int
    /// FIFO depth up to which logic synthesis uses shift registers.
    package var shiftRegisterDepth: Int
    /// Deepest weight ROM that logic synthesis puts in look-up tables.
    package var lutROMDepth: Int
    /// Width of the weight ROM's primitives after logic synthesis, bits (36 for halves, 72 for whole blocks), and how
    /// many 18 Kb halves one counts as in the utilisation report.
    package var romWidth: Int
    /// Every channel of a stream has a FIFO of its own.
    package var channelFIFOs: Bool
    /// Every tap and channel of a window has a FIFO of its own (depth: kernel width x output width).
    package var windowFIFOs: Bool
    package var softmaxBlocks: Int
    /// A kernel that takes more steps than it has inputs looks up which output a step adds to: a table of one word per step.
    package var indexTables: Bool
    /// Weights of at least this many bits become look-up tables whatever the depth of their ROM; 0 for never.
    package var tableWeightBits: Int
  }
}
