package import Basic

/// What limits a kernel.
package enum Bound: String, Sendable, Codable, Hashable, CaseIterable {
  case compute, feed, cache, memory, link, launch, dependency, host
  /// Kernels that go with a product and are no product: scales of activations found at run time, partial sums added up.
  case quantization, reduction

  /// The word people read: `shared memory feed` for `feed` and so on.
  package var label: String {
    switch self {
    case .compute: "compute"
    case .feed: "operand feed"
    case .cache: "on-chip memory"
    case .memory: "off-chip memory"
    case .link: "link"
    case .launch: "launch"
    case .dependency: "dependency"
    case .host: "host"
    case .quantization: "quantisation"
    case .reduction: "split reduction"
    }
  }
}

/// One kernel (a fused group on a GPU, a pass on an NPU, a pipeline stage on an FPGA) with its time and why it takes that long.
package struct KernelResult: Sendable, Codable, Hashable {
  package var id: Int
  package var name: String
  /// Family of operation for colours: `convolution`, `matmul`, `attention`, `pointwise`, `reduction`, `movement`, `loop`, `opaque`.
  package var kind: String
  /// Names of the source nodes it carries out.
  package var origin: [String]
  package var bound: Bound
  /// One sentence: what binds, with the figures.
  package var reason: String
  package var startSeconds: Double
  package var latencySeconds: Double
  package var floorSeconds: Double
  package var cycles: Int
  package var macs: Int
  package var flops: Int
  /// Bytes moved per memory level, outermost first by name.
  package var bytes: [String: Int]
  @NullWhenUnknown package var energyJoules: Double?
  /// Number format the arithmetic runs in: `bf16`, `i8`, `f16 2:4` …
  package var format: String
  /// Implementation choice, such as the tile: `128×128×32, 4 stages, split-K 2`.
  package var choice: String
  package var isOpaque: Bool
  /// Rows of the picture: the operations inside, in order.
  package var operations: [String]
  /// Tensors read and written, for edges.
  package var reads: [TensorSummary]
  package var writes: [TensorSummary]
  /// Stalls, pipeline facts and other figures of a family, by name (`fill`, `weight load`, `ii`, `lut` …).
  package var figures: [String: Double]

  /// The figure for the cycles at the end of a stage of a pipeline in which it only reads on, after its last word is given.
  package static let readsOn = "reads on"

  package init(
    id: Int, name: String, kind: String, origin: [String], bound: Bound, reason: String, startSeconds: Double = 0,
    latencySeconds: Double, floorSeconds: Double, cycles: Int, macs: Int, flops: Int, bytes: [String: Int],
    energyJoules: Double? = nil, format: String, choice: String = "", isOpaque: Bool = false, operations: [String] = [],
    reads: [TensorSummary] = [], writes: [TensorSummary] = [], figures: [String: Double] = [:]
  ) {
    self.id = id
    self.name = name
    self.kind = kind
    self.origin = origin
    self.bound = bound
    self.reason = reason
    self.startSeconds = startSeconds
    self.latencySeconds = latencySeconds
    self.floorSeconds = floorSeconds
    self.cycles = cycles
    self.macs = macs
    self.flops = flops
    self.bytes = bytes
    self.energyJoules = energyJoules
    self.format = format
    self.choice = choice
    self.isOpaque = isOpaque
    self.operations = operations
    self.reads = reads
    self.writes = writes
    self.figures = figures
  }
}

/// A tensor that crosses a kernel's border.
package struct TensorSummary: Sendable, Codable, Hashable {
  /// Stable number of the value within this result.
  package var id: Int
  package var name: String
  /// `f16[1,32,4096]`.
  package var type: String
  package var bytes: Int
  /// True for weights: read from memory, not produced by a kernel.
  package var isConstant: Bool
  /// True when it never leaves the chip between producer and consumer.
  package var staysOnChip: Bool
  /// Words the FIFO holds through which a reader takes it; nil where there is none.
  package var fifoDepth: Int?

  package init(
    id: Int, name: String, type: String, bytes: Int, isConstant: Bool, staysOnChip: Bool = false, fifoDepth: Int? = nil
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.bytes = bytes
    self.isConstant = isConstant
    self.staysOnChip = staysOnChip
    self.fifoDepth = fifoDepth
  }
}
