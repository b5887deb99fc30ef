internal import Basic
package import Hardware
package import IR

/// A Tensor Core GPU as its target file describes it: the plain numbers every kernel model works from.
///
/// Times are seconds, rates are per clock of one multiprocessor (SM) unless the name says otherwise.
package struct GPUDescription: Sendable {
  package var name: String
  /// Version of the instruction set, `8.0` for GA100: decides nothing by itself, printed for people.
  package var computeCapability: Double
  package var smCount: Int
  /// Highest clock the chip holds when power allows, in Hz.
  package var boostClock: Double
  package var sm: Multiprocessor
  package var l2: L2Cache
  package var memory: DeviceMemory
  package var power: PowerLimit
  package var launch: LaunchCost
  /// Matrix instructions, in the order of the file.
  package var instructions: [MatrixInstruction]
  package var gemm: GEMMLibrary
  /// Elementwise functions, norms and softmax; nil when the file does not describe them.
  package var streaming: StreamingSoftware?
  /// Libraries of fused attention, the default first.
  package var attention: [AttentionLibrary]
  package var mixture: MixtureSoftware?
  /// Recurrent layers; nil when the file does not describe them.
  package var recurrent: RecurrentSoftware?
  package var collectives: CollectiveSoftware?
  /// Every number that was read, for the list of assumptions.
  package var numbers: [ReadNumber]

  /// Clocks per second, and back: `seconds = clocks / boostClock`.
  package func seconds(_ clocks: Double) -> Double { clocks / boostClock }

  /// Whole clocks in which `seconds` pass, for reports.
  ///
  /// - Throws: when they are so many that the sum of a few thousand kernels would not fit a word.
  func cycles(_ seconds: Double) throws(Failure) -> Int {
    let clocks = (seconds * boostClock).rounded(.up)
    guard clocks < 0x1p50 else {
      throw Failure("\(Format.seconds(seconds)) are more clock cycles than '\(name)' can count", fix: "check its rates and latencies")
    }
    return Int(clocks)
  }

  /// Bytes the L2 hands to all SMs in one clock, at its measured share of the stated rate.
  package var l2BytesPerClock: Double { l2.bytesPerClock * l2.efficiency }
  /// Bytes of the L2 whose content survives from kernel to kernel, as streaming kernels measure it.
  package var residentBytes: Double { l2.capacity * (streaming?.residentShare ?? l2.usableShare) }

  /// Bytes device memory moves in one core clock, at its measured share of the pin rate.
  package var memoryBytesPerClock: Double { memory.bandwidth * memory.efficiency / boostClock }
}

/// What one SM holds and how fast its parts are.
package struct Multiprocessor: Sendable, Hashable {
  /// Shared memory that kernels can use on one SM, in bytes.
  package var sharedMemory: Double
  /// Bytes of it that the driver keeps for itself per thread block.
  package var reservedSharedMemory: Double
  /// Bytes per clock between shared memory and the registers.
  package var sharedMemoryBandwidth: Double
  /// 32-bit registers.
  package var registers: Double
  package var threads: Double
  package var blocks: Double
  /// Bytes per clock one SM can take from the L2.
  package var l2Port: Double
  /// fp32 multiply-adds per clock outside the tensor cores.
  package var fp32Lanes: Double
  /// fp16 multiply-adds per clock outside the tensor cores.
  package var fp16Lanes: Double
  /// Exponentials, reciprocals, square roots per clock.
  package var specialLanes: Double
  /// Operations of the special-function unit for one hyperbolic tangent.
  package var tanhOperations: Double
}

package struct L2Cache: Sendable, Hashable {
  package var capacity: Double
  /// Bytes per core clock over all slices, as stated.
  package var bytesPerClock: Double
  /// Share of the stated rate that kernels reach.
  package var efficiency: Double
  /// Share of the capacity that a tensor can keep between two uses.
  package var usableShare: Double
}

package struct DeviceMemory: Sendable, Hashable {
  package var capacity: Double
  /// Bytes per second at the pins.
  package var bandwidth: Double
  /// Share of the pin rate that a long stream reaches.
  package var efficiency: Double
  /// Extra time of a stream because SMs do not finish together; limit in seconds.
  package var skew: Skew
  /// Energy per byte moved, in joules; NaN when the file does not state it.
  package var energyPerByte: Double
}

/// Time a kernel costs beside its work.
package struct LaunchCost: Sendable, Hashable {
  /// From the end of one kernel to the first instruction of the next in a replayed graph, in seconds.
  package var graph: Double
  /// One kernel called from the host and timed by events, in seconds.
  package var eager: Double
}

/// One matrix instruction: number formats, shape and issue rate.
package struct MatrixInstruction: Sendable, Hashable {
  /// Where the operands are read from.
  package enum Feed: String, Sendable, CaseIterable {
    /// Each warp loads its fragments from shared memory into registers (`mma.sync`).
    case registers
    /// The instruction reads shared memory itself, one warpgroup of 64 rows at a time (`wgmma`).
    case shared
    /// As `shared`, with the accumulators in tensor memory and 128 rows at a time (`tcgen05.mma`).
    case tensorMemory = "tensor-memory"
    /// No matrix unit: multiply-adds on the ordinary cores.
    case cores
  }

  package var name: String
  /// Operand storage formats it takes.
  package var formats: [ElementType]
  package var m: Int
  package var n: Int
  package var k: Int
  package var feed: Feed
  /// Of the weights it takes without their zeros.
  package var sparsity: Encoding.Sparsity
  /// Multiply-adds per clock and SM, counted dense.
  package var rate: Double
  /// Energy per dense-equivalent multiply-add, in joules; NaN when the file does not state it.
  package var energy: Double
}
