import Basic
import Results

/// Results made up for the tests of renderers: plausible shapes, no machine behind them.
struct SyntheticResult {
  var name = "network"
  var kernels: [KernelResult] = []
  var outline = GraphOutline()
  private var clock = 0.0
  private var nextTensor = 0
  private var dependencies: [[Int]] = []
  private var spans: [Timeline.Span] = []

  /// One tensor of `type` that a later kernel can read.
  mutating func tensor(_ type: String, _ bytes: Int, named name: String, isConstant: Bool = false, onChip: Bool = false)
    -> TensorSummary
  {
    nextTensor += 1
    return TensorSummary(
      id: nextTensor, name: name, type: type, bytes: bytes, isConstant: isConstant, staysOnChip: onChip)
  }

  mutating func add(
    _ name: String, kind: String, microseconds: Double, bound: Bound = .compute, operations: [String],
    reads: [TensorSummary], writes: [TensorSummary]
  ) {
    let id = kernels.count
    let moved = (reads + writes).reduce(0) { $0 + $1.bytes }
    let seconds = microseconds * 1e-6
    for read in reads {
      if let source = kernels.first(where: { $0.writes.contains { $0.id == read.id } }) {
        dependencies.append([source.id, id])
      }
    }
    spans.append(
      .init(
        kernel: id, resource: kind == "movement" ? "copy engine" : "tensor cores", start: clock, end: clock + seconds,
        kind: kind == "movement" ? "transfer" : "compute"))
    kernels.append(
      KernelResult(
        id: id, name: name, kind: kind, origin: operations.map { "\(name)/\($0)" }, bound: bound,
        reason: "\(bound.label) takes \(microseconds) µs",
        startSeconds: clock, latencySeconds: seconds, floorSeconds: seconds / 2, cycles: Int(microseconds * 1410),
        macs: 1_000_000, flops: 2_000_000,
        bytes: ["dram": moved, "l2": moved * 2], format: kind == "pointwise" ? "f32" : "f16",
        choice: kind == "convolution" ? "128×128×32, 4 stages" : "",
        operations: operations, reads: reads, writes: writes, figures: ["weight_load": 0.5, "fill": 2]))
    clock += seconds
  }

  func result() -> RunResult {
    let origins = kernels.flatMap(\.origin)
    var moved: [String: Int] = [:]
    for kernel in kernels { for (level, bytes) in kernel.bytes { moved[level, default: 0] += bytes } }
    let cycles = kernels.reduce(0) { $0 + $1.cycles }
    var occupancy: [[Int]] = []
    for index in 0..<20 { occupancy.append([cycles * index / 20, (index % 7) * 300_000]) }
    return RunResult(
      version: "0.1",
      model: ModelSummary(
        name: name, format: "onnx", sha256: String(repeating: "ab", count: 32), parameters: 25_000_000,
        macs: 4_090_000_000, flops: 8_180_000_000,
        weightBytes: 51_000_000, dims: ["batch": 1], sourceNodes: origins.count),
      target: TargetSummary(
        name: "example-gpu", family: "gpu", summary: "Example GPU 80 GB", file: "targets/gpu/example-gpu.xml",
        sha256: String(repeating: "cd", count: 32)),
      request: RequestSummary(precision: "fp16", sparsity: nil, fidelity: "fast", overrides: []),
      totals: Totals(
        latencySeconds: clock, cycles: cycles, floorSeconds: clock * 0.6, serialSeconds: clock,
        throughputPerSecond: 1 / max(clock, 1e-9),
        energyJoules: nil, peakMemoryBytes: ["l2": 1_800_000], bytesMoved: moved, opaqueShare: 0),
      kernels: kernels,
      timeline: Timeline(
        resources: [.init(name: "tensor cores"), .init(name: "copy engine")], spans: spans, dependencies: dependencies,
        occupancy: ["l2": occupancy], capacity: ["l2": 4_000_000]),
      fusion: FusionLedger(
        applied: [.init(rule: "conv-bias-relu", nodes: Array(origins.prefix(3)))],
        missed: [.init(rule: "attention", nodes: Array(origins.suffix(2)), reason: "the mask has another shape")]),
      folded: [], outline: outline,
      roofline: Roofline(
        compute: [
          .init(name: "f16 tensor cores", rate: 312e12), .init(name: "f16 2:4", rate: 624e12),
          .init(name: "f32", rate: 19.5e12),
        ],
        memory: [.init(name: "dram", rate: 2039e9), .init(name: "l2", rate: 5e12)]),
      assumptions: [.init(what: "boost clock 1.41 GHz", basis: .documented, source: "data sheet")], diagnostics: [])
  }
}

extension SyntheticResult {
  enum Sample: CaseIterable {
    case empty, residualNetwork, transformer, irregular, hostile

    var result: RunResult {
      switch self {
      case .empty: SyntheticResult().result()
      case .residualNetwork: SyntheticResult.residualNetwork()
      case .transformer: SyntheticResult.transformer(layers: 12)
      case .irregular: SyntheticResult.irregular(400)
      case .hostile: SyntheticResult.hostile()
      }
    }
  }

  /// A residual network of 16 bottleneck blocks: 53 convolutions, pooling, a classifier.
  static func residualNetwork() -> RunResult {
    var net = SyntheticResult(name: "resnet50")
    var x = net.tensor("f16[1,3,224,224]", 301_056, named: "data")
    func weights(_ net: inout SyntheticResult, _ bytes: Int) -> TensorSummary {
      net.tensor("f16[64,64,3,3]", bytes, named: "w", isConstant: true)
    }
    func convolve(
      _ net: inout SyntheticResult, _ name: String, _ input: TensorSummary, _ bytes: Int, _ size: Int,
      add: TensorSummary? = nil
    ) -> TensorSummary {
      let y = net.tensor(
        "f16[1,\(bytes / size / size / 2),\(size),\(size)]", bytes, named: name + ":0", onChip: bytes < 500_000)
      let w = weights(&net, 73_728)
      net.add(
        name, kind: "convolution", microseconds: 4 + Double(bytes) / 100_000,
        bound: bytes > 1_000_000 ? .memory : bytes > 500_000 ? .compute : .launch,
        operations: add == nil
          ? ["Conv 3×3", "BatchNormalization", "Relu"] : ["Conv 1×1", "BatchNormalization", "Add", "Relu"],
        reads: [input, w] + (add.map { [$0] } ?? []), writes: [y])
      return y
    }
    x = convolve(&net, "conv1", x, 1_605_632, 112)
    let pooled = net.tensor("f16[1,64,56,56]", 401_408, named: "pool")
    net.add(
      "pool1", kind: "reduction", microseconds: 3.2, bound: .memory, operations: ["MaxPool 3×3"], reads: [x],
      writes: [pooled])
    x = pooled
    for (stage, blocks) in [3, 4, 6, 3].enumerated() {
      let bytes = 1_605_632 >> stage
      for block in 0..<blocks {
        let name = "stage\(stage + 1)/block\(block)"
        var short = x
        if block == 0 { short = convolve(&net, "\(name)/downsample", x, bytes, 56 >> stage) }
        let a = convolve(&net, "\(name)/conv1", x, bytes / 4, 56 >> stage)
        let b = convolve(&net, "\(name)/conv2", a, bytes / 4, 56 >> stage)
        x = convolve(&net, "\(name)/conv3", b, bytes, 56 >> stage, add: short)
      }
    }
    let mean = net.tensor("f16[1,2048]", 4096, named: "mean")
    net.add(
      "avgpool", kind: "reduction", microseconds: 2.1, bound: .launch, operations: ["GlobalAveragePool", "Flatten"],
      reads: [x], writes: [mean])
    let logits = net.tensor("f16[1,1000]", 2000, named: "logits")
    let w = weights(&net, 4_096_000)
    net.add(
      "fc", kind: "matmul", microseconds: 5.5, bound: .memory, operations: ["Gemm"], reads: [mean, w], writes: [logits])
    return net.result()
  }

  /// An encoder of `layers` equal layers of seven kernels, with a mask that every layer reads.
  static func transformer(layers: Int) -> RunResult {
    var net = SyntheticResult(name: "bert-base")
    let ids = net.tensor("i64[1,128]", 1024, named: "input_ids")
    let mask = net.tensor("f32[1,1,1,128]", 512, named: "mask")
    let rawMask = net.tensor("i64[1,128]", 1024, named: "attention_mask")
    net.add(
      "mask", kind: "pointwise", microseconds: 2, bound: .launch, operations: ["Unsqueeze", "Cast", "Sub", "Mul"],
      reads: [rawMask], writes: [mask])
    var x = net.tensor("f16[1,128,768]", 196_608, named: "embedding")
    net.add(
      "embeddings", kind: "movement", microseconds: 4, bound: .memory,
      operations: ["Gather", "Add", "LayerNormalization"], reads: [ids], writes: [x])
    for layer in 0..<layers {
      let at = "encoder/layer.\(layer)"
      func step(
        _ name: String, _ kind: String, _ time: Double, _ bound: Bound, _ operations: [String],
        _ reads: [TensorSummary], _ type: String, _ bytes: Int
      ) -> TensorSummary {
        let y = net.tensor(type, bytes, named: "\(at)/\(name):0")
        net.add(
          "\(at)/\(name)", kind: kind, microseconds: time, bound: bound, operations: operations, reads: reads,
          writes: [y])
        return y
      }
      func w() -> TensorSummary { net.tensor("f16[768,768]", 1_179_648, named: "w", isConstant: true) }
      let qkv = step("qkv", "matmul", 9, .memory, ["MatMul", "Add"], [x, w()], "f16[1,128,2304]", 589_824)
      let heads = step(
        "attention", "attention", 6, .compute, ["Transpose", "MatMul", "Softmax", "MatMul"], [qkv, mask],
        "f16[1,128,768]", 196_608)
      let out = step(
        "output", "matmul", 5, .launch, ["MatMul", "Add", "Add"], [heads, x, w()], "f16[1,128,768]", 196_608)
      let normed = step("norm1", "reduction", 2.5, .launch, ["LayerNormalization"], [out], "f16[1,128,768]", 196_608)
      let wide = step(
        "intermediate", "matmul", 11, .memory, ["MatMul", "Add", "Gelu"], [normed, w()], "f16[1,128,3072]", 786_432)
      let narrow = step(
        "ffn", "matmul", 10, .memory, ["MatMul", "Add", "Add"], [wide, normed, w()], "f16[1,128,768]", 196_608)
      x = step("norm2", "reduction", 2.5, .launch, ["LayerNormalization"], [narrow], "f16[1,128,768]", 196_608)
    }
    let pooled = net.tensor("f16[1,768]", 1536, named: "pooled")
    net.add(
      "pooler", kind: "matmul", microseconds: 4, bound: .launch, operations: ["Gemm", "Tanh"], reads: [x],
      writes: [pooled])
    return net.result()
  }

  /// `count` kernels that never repeat, with skips, for size limits.
  static func irregular(_ count: Int) -> RunResult {
    var net = SyntheticResult(name: "irregular")
    var known = [net.tensor("f16[1,64]", 128, named: "in")]
    var random: UInt64 = 88_172_645_463_325_252
    func next(_ below: Int) -> Int {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      return Int(random % UInt64(below))
    }
    let kinds = ["convolution", "matmul", "attention", "pointwise", "reduction", "movement", "loop", "opaque"]
    for index in 0..<count {
      let bytes = 1 << (6 + next(18))
      let y = net.tensor("f16[1,\(bytes / 2)]", bytes, named: "t\(index)", onChip: next(2) == 0)
      let reads = [known[known.count - 1]] + (next(6) == 0 ? [known[max(0, known.count - 1 - next(60))]] : [])
      net.appendFast(
        "node\(index)", kind: kinds[next(8)], microseconds: Double(1 + next(100)), bound: Bound.allCases[next(8)],
        operations: ["Op\(next(40))", "Relu"], reads: reads, writes: [y])
      known.append(y)
    }
    return net.result()
  }

  /// As `add`, without looking for dependencies.
  mutating func appendFast(
    _ name: String, kind: String, microseconds: Double, bound: Bound, operations: [String], reads: [TensorSummary],
    writes: [TensorSummary]
  ) {
    add(name, kind: kind, microseconds: microseconds, bound: bound, operations: operations, reads: [], writes: writes)
    kernels[kernels.count - 1].reads = reads
  }

  static let hostileName = "<script>alert(1)</script>&\"]]>\\N{}|\u{1}\u{202E}'\n--"

  /// Every text of a result replaced by a name made to break out of markup.
  static func hostile() -> RunResult {
    let bad = hostileName
    var result = residualNetwork()
    result.model.name = bad
    result.model.dims = [bad: 1]
    result.target.summary = bad
    result.target.file = bad
    result.request.overrides = [bad]
    for index in result.kernels.indices {
      result.kernels[index].name = bad
      result.kernels[index].operations = [bad, bad]
      result.kernels[index].origin = ["\(index)" + bad]
      result.kernels[index].reason = bad
      result.kernels[index].choice = bad
      result.kernels[index].format = bad
      result.kernels[index].kind = bad
      result.kernels[index].bytes = [bad: 5]
      for read in result.kernels[index].reads.indices {
        result.kernels[index].reads[read].name = bad
        result.kernels[index].reads[read].type = bad
      }
      for write in result.kernels[index].writes.indices {
        result.kernels[index].writes[write].name = bad
        result.kernels[index].writes[write].type = bad
      }
    }
    result.timeline.resources = [.init(name: bad)]
    for index in result.timeline.spans.indices { result.timeline.spans[index].resource = bad }
    result.timeline.occupancy = [bad: [[0, 5], [100, 7]]]
    result.totals.bytesMoved = [bad: 5 * result.kernels.count]
    result.assumptions = [.init(what: bad, basis: .assumed, source: bad)]
    result.diagnostics = [.error(bad)]
    return result
  }
}
