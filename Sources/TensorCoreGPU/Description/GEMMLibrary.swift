package import IR

/// What the matrix library brings: candidate kernels and the costs of its code.
package struct GEMMLibrary: Sendable, Hashable {
  /// Which library, for reports.
  package var name: String
  /// From the start of a thread block to its first multiplication, in clocks.
  package var fill: Double
  /// Fixed part of the epilogue of a thread block, in clocks.
  package var epilogue: Double
  /// Bytes of result one SM stores per clock.
  package var storeRate: Double
  /// Barrier and address work per main-loop step, in clocks.
  package var stepOverhead: Double
  /// Share of fill and epilogue hidden behind another block's main loop, on paths that do not name their own.
  package var overlap: Double
  /// Fixed cost of adding up split-K partial results, in seconds.
  package var splitReduction: Double
  /// Device-memory cost of a written byte against a read one.
  package var writeCost: Double
  /// Registers of a thread beside its accumulators, and of a thread that only loads; the latter 0 when no tile has loader warps.
  package var workingRegisters: Double
  package var loaderRegisters: Double
  /// Blocks of one product that an SM keeps busy at most, however many it holds.
  package var residentBlocks: Double
  /// Bytes of a row below which the library does not split the reduction axis.
  package var splitBytes: Double
  /// Issue slots of a lane per packed 16-bit multiply-add in matrix-vector kernels, on paths that do not name their own.
  package var vectorSlots: Double
  package var convolution: ConvolutionLibrary
  /// Libraries with 2:4 kernels; the first is the one predictions assume.
  package var sparse: [SparseLibrary]
  package var paths: [GEMMPath]
}

/// How the library convolves beyond an implicit product.
package struct ConvolutionLibrary: Sendable, Hashable {
  /// What happens to images with fewer channels than one 16-byte piece.
  package enum NarrowChannels: String, Sendable, CaseIterable {
    /// Channels are padded with zeros to a half or whole piece, of an image to four.
    case padded
    /// The ordinary cores convolve in fp32.
    case cores
  }

  package var narrowChannels: NarrowChannels
  /// Issue efficiency of the ordinary cores on 16-bit images, whose every operand is converted first, against fp32 ones.
  package var narrowShare: Double
  /// Time before the convolution proper (offset tables, transforms of filters), in seconds.
  package var prelude: Double
  /// Issue efficiency of an implicit product on the ordinary cores against a plain product.
  package var coreShare: Double
  /// Largest split of the reduction axis.
  package var splitLimit: Int
  /// Load latency of a strided convolution against one with stride one: kernels that gather an image element by element
  /// wait longer for each step.
  package var stridedLatency: Double
  /// Issue slots of a lane per tap of a direct convolution: the multiply-add, its load and its address.
  package var directSlots: Double
}

/// A library of 2:4 kernels.
package struct SparseLibrary: Sendable, Hashable {
  package var name: String
  /// Issue efficiency of its kernels against the dense path's.
  package var issueShare: Double
}

/// One way of the library to multiply: which encodings it takes, on which instruction, with which candidate kernels.
package struct GEMMPath: Sendable, Hashable {
  package var name: String
  /// The one library that multiplies so, when it is not the one predictions assume; empty otherwise.
  package var library: String
  /// Storage formats of the activations and of the weights it takes.
  package var activations: [ElementType]
  package var weights: [ElementType]
  /// True when scales belong to blocks along the reduction axis.
  package var isBlockScaled: Bool
  package var instruction: MatrixInstruction
  /// Bytes of an operand element as the instruction takes it (weight-only paths widen in registers).
  package var operandBytes: Double
  /// Share of the issue rate the main loop reaches.
  package var issueEfficiency: Double
  /// Time from a load to its data in this path's pipeline, in clocks.
  package var latency: Double
  /// Largest split of the reduction axis.
  package var splitLimit: Int
  /// Share of the machine's slots, above one or below, up to which the library fills it with parts of a split.
  package var splitWaves: Double
  /// Time a split costs whatever its number of parts, in seconds, when the parts add up in turn through the result instead of
  /// in a kernel of their own: semaphores are cleared first and every part waits for its predecessor; 0 for the latter.
  package var serialSplit: Double
  /// Largest number of rows for which the library times its kernels before use: powers of two up to it, in between the
  /// kernel of the next larger one runs. 0 when a kernel is chosen for every shape anew.
  package var profiledRows: Int
  /// Share of fill and epilogue hidden when another block sits on the same SM; nil for the library's.
  package var overlap: Double?
  /// Share of the issue rate lost, at most, when the rows of a tile lie far apart in memory …
  package var strideLoss: Double
  /// … and the length of a row in bytes at which half of it is lost.
  package var strideReach: Double
  /// Kernels that quantise the activations at run time before the product, in seconds; static scales need none.
  package var prelude: Double
  /// Bytes these kernels move per activation element.
  package var preludeBytes: Double
  /// Time before the product whatever its formats, in seconds: what a convolution prepares.
  package var lead = 0.0
  /// What published timings of this path contain beside the kernel (events around a single launch), in seconds: added when
  /// comparing with them, never in a prediction.
  package var timingOverhead: Double
  /// The matrix-vector kernel on the ordinary cores for products of few rows; nil when the library has none.
  package var vector: VectorKernel?
  package var tiles: [GEMMTile]
  /// Candidates for products of which several are computed at once; the same as `tiles` unless the file names another list.
  package var batchedTiles: [GEMMTile]
}

/// A matrix-vector kernel: streams the weights once past the ordinary cores.
package struct VectorKernel: Sendable, Hashable {
  /// Rows up to which it is one of the candidates.
  package var rows: Int
  /// Clocks one block needs per element of the reduction axis, when few columns leave nothing else to wait for.
  package var chain: Double
  /// Issue slots of a lane per packed 16-bit multiply-add: loads and conversions included.
  package var slots: Double
}

/// A candidate kernel of the library: the thread-block tile and how it is carried out.
package struct GEMMTile: Sendable, Hashable {
  package var m: Int
  package var n: Int
  /// Depth of one main-loop step in bytes of an instruction operand: the same for every number format.
  package var stepBytes: Int
  package var stages: Int
  package var warpsM: Int
  package var warpsN: Int
  /// Extra warps that only load (warp-specialised kernels).
  package var loaderWarps: Int
  /// Thread blocks that share loads of their narrower operand by multicast. With tensor memory, 2 are a pair of SMs
  /// that multiplies the same columns, of which each loads half.
  package var cluster: Int
  /// Share of the path's issue rate this kernel reaches.
  package var issueShare = 1.0
}
