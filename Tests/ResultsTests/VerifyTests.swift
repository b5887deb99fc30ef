import Basic
import Results
import Testing

/// One broken field of a good result is named by its label.
@Suite struct VerifyTests {
  /// Two kernels of 1000 and 2000 cycles at 1 GHz, the second after the first.
  private static var good: RunResult {
    func kernel(_ id: Int, cycles: Int, start: Double) -> KernelResult {
      KernelResult(
        id: id, name: "k\(id)", kind: "matmul", origin: ["n\(id)"], bound: .compute, reason: "it multiplies", startSeconds: start,
        latencySeconds: Double(cycles) * 1e-9, floorSeconds: Double(cycles) * 5e-10, cycles: cycles, macs: 10, flops: 20,
        bytes: ["dram": 64, "sram": 128], energyJoules: 1e-6, format: "f16", figures: ["fill": 3])
    }
    let spans = [
      Timeline.Span(kernel: 0, resource: "array", start: 0, end: 1e-6, kind: "compute"),
      Timeline.Span(kernel: 1, resource: "array", start: 1e-6, end: 3e-6, kind: "compute"),
    ]
    return RunResult(
      version: "1",
      model: ModelSummary(
        name: "m", format: "onnx", sha256: "", parameters: 1, macs: 20, flops: 40, weightBytes: 2, dims: [:], sourceNodes: 3),
      target: TargetSummary(name: "t", family: "npu", summary: "", file: "", sha256: ""),
      request: RequestSummary(precision: nil, sparsity: nil, fidelity: "fast", overrides: []),
      totals: Totals(
        latencySeconds: 3e-6, cycles: 3000, floorSeconds: 1.5e-6, serialSeconds: 3e-6, throughputPerSecond: 1 / 3e-6, energyJoules: 2e-6,
        energyByPart: ["MAC": 1e-6, "dram": 1e-6], peakMemoryBytes: ["dram": 10], bytesMoved: ["dram": 128, "sram": 256], opaqueShare: 0),
      kernels: [kernel(0, cycles: 1000, start: 0), kernel(1, cycles: 2000, start: 1e-6)],
      timeline: Timeline(
        resources: [.init(name: "array")], spans: spans, dependencies: [[0, 1]], occupancy: ["sram": [[0, 100], [10, 90]]],
        capacity: ["sram": 100]),
      fusion: FusionLedger(), folded: [FoldedSource(name: "n2", reason: "identity")], outline: GraphOutline(), assumptions: [],
      diagnostics: [])
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var label: String
    var message: String
    var apply: @Sendable (inout RunResult) -> Void
    var testDescription: String { "[\(label)] \(message)" }

    init(_ label: String, _ message: String, _ apply: @escaping @Sendable (inout RunResult) -> Void) {
      (self.label, self.message, self.apply) = (label, message, apply)
    }
  }

  @Test func aGoodResultHasNoFault() { #expect(Self.good.verify().map(\.description) == []) }

  static let faults = [
    Fault("bounds", "the floor 4e-06 s is above the estimate 3e-06 s") { $0.totals.floorSeconds = 4e-6 },
    Fault("bounds", "the estimate 3e-06 s is above the serial sum 2e-06 s") { $0.totals.serialSeconds = 2e-6 },
    Fault("bounds", "the opaque share 1.5 is above one") { $0.totals.opaqueShare = 1.5 },
    Fault("bounds", "kernel 'k1' is faster than its floor") { $0.kernels[1].floorSeconds = 2.1e-6 },
    Fault("reason", "kernel 'k0' does not say what binds it") { $0.kernels[0].reason = "" },
    Fault("cycles", "kernel 'k0' takes 1500 cycles, but its time is 1000 of the others'") { $0.kernels[0].cycles = 1500 },
    Fault("cycles", "kernel 'k1' takes 2000 cycles and no time") {
      $0.kernels[1].latencySeconds = 0
      $0.kernels[1].floorSeconds = 0
    },
    Fault("cycles", "the result takes 3100 cycles, but its time is 3000 of the kernels'") { $0.totals.cycles = 3100 },
    Fault("conserved", "kernels move 128 bytes of 'dram', but the total says 127") { $0.totals.bytesMoved["dram"] = 127 },
    Fault("conserved", "kernels move 256 bytes of 'sram', but the total says nothing") { $0.totals.bytesMoved["sram"] = nil },
    Fault("capacity", "sram holds 101 of 100 bytes at cycle 10") { $0.timeline.occupancy["sram"] = [[0, 100], [10, 101]] },
    Fault("exclusive", "two spans overlap on 'array' at 9e-07 s") {
      $0.timeline.dependencies = []
      $0.timeline.spans[1].start = 9e-7
    },
    Fault("dependency", "kernel 1 starts before kernel 0 ends") {
      $0.timeline.resources[0].isExclusive = false
      $0.timeline.spans[1].start = 9e-7
    },
    Fault("dependency", "kernel 0 starts before kernel 1") {
      $0.timeline.isStreaming = true
      $0.timeline.dependencies = [[1, 0]]
      $0.timeline.spans[0].end = 3e-6
      $0.timeline.resources[0].isExclusive = false
    },
    Fault("dependency", "kernel 1 ends before kernel 0") {
      $0.timeline.isStreaming = true
      $0.timeline.spans[0].end = 4e-6
      $0.timeline.resources[0].isExclusive = false
    },
    Fault("coverage", "source nodes are covered more than once: n0") { $0.kernels[1].origin = ["n0", "n1"] },
    Fault("coverage", "2 of 3 source nodes are covered") { $0.folded = [] },
    Fault("finite", "the result has the latency nan") { $0.totals.latencySeconds = .nan },
    Fault("finite", "the result has the cycles -1.0") { $0.totals.cycles = -1 },
    Fault("finite", "the result has the floor -1e-06") { $0.totals.floorSeconds = -1e-6 },
    Fault("finite", "the result has the serial sum inf") { $0.totals.serialSeconds = .infinity },
    Fault("finite", "the result has the throughput inf") { $0.totals.throughputPerSecond = .infinity },
    Fault("finite", "the result has the energy -2.0") { $0.totals.energyJoules = -2 },
    Fault("finite", "the result has the energy 'MAC' nan") { $0.totals.energyByPart?["MAC"] = .nan },
    Fault("finite", "the result has the peak 'dram' -1.0") { $0.totals.peakMemoryBytes["dram"] = -1 },
    Fault("finite", "the result has the bytes 'sram' -256.0") { $0.totals.bytesMoved["sram"] = -256 },
    Fault("finite", "the result has the opaque share -0.1") { $0.totals.opaqueShare = -0.1 },
    Fault("finite", "kernel 'k0' has the start -1.0") { $0.kernels[0].startSeconds = -1 },
    Fault("finite", "kernel 'k0' has the latency -1.0") { $0.kernels[0].latencySeconds = -1 },
    Fault("finite", "kernel 'k0' has the floor nan") { $0.kernels[0].floorSeconds = .nan },
    Fault("finite", "kernel 'k0' has the macs -3.0") { $0.kernels[0].macs = -3 },
    Fault("finite", "kernel 'k0' has the flops -3.0") { $0.kernels[0].flops = -3 },
    Fault("finite", "kernel 'k0' has the energy inf") { $0.kernels[0].energyJoules = .infinity },
    Fault("finite", "kernel 'k0' has the bytes 'dram' -64.0") { $0.kernels[0].bytes["dram"] = -64 },
    Fault("finite", "kernel 'k0' has the figure 'fill' nan") { $0.kernels[0].figures["fill"] = .nan },
    Fault("finite", "a span of kernel 0 on 'array' lasts from 2.0 s to 1e-06 s") { $0.timeline.spans[0].start = 2 },
  ]

  @Test(arguments: faults) func aBrokenFieldIsNamed(_ fault: Fault) {
    var result = Self.good
    fault.apply(&result)
    #expect(result.verify().map(\.message) == ["result: \(fault.message) [\(fault.label)]"])
  }

  /// Whatever the seed of dictionaries, faults come in the same order.
  @Test func faultsComeInTheOrderOfTheirNames() {
    var result = Self.good
    let levels = ["a", "b", "c", "d", "e", "f", "g", "h"]
    for level in levels { (result.timeline.occupancy[level], result.timeline.capacity[level]) = ([[0, 2]], 1) }
    #expect(result.verify().map(\.message) == levels.map { "result: \($0) holds 2 of 1 bytes at cycle 0 [capacity]" })
    for level in levels { result.kernels[0].figures[level] = -1 }
    #expect(result.verify().map(\.message) == levels.map { "result: kernel 'k0' has the figure '\($0)' -1.0 [finite]" })
  }
}
