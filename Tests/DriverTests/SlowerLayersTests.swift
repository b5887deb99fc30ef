import Results
import Testing

@testable import Driver

/// Why layers became slower from one prediction to another.
struct SlowerLayersTests {
  private func kernel(
    _ id: Int, _ name: String, _ seconds: Double, origin: [String], macs: Int = 100, reads: Int, interval: Double? = nil,
    choice: String = ""
  ) -> KernelResult {
    func tensor(_ id: Int) -> TensorSummary { TensorSummary(id: id, name: "t", type: "f16[1]", bytes: 2, isConstant: false) }
    return KernelResult(
      id: id, name: name, kind: "convolution", origin: origin, bound: .launch, reason: "launch takes all", latencySeconds: seconds,
      floorSeconds: 0, cycles: Int(seconds * 1e9), macs: macs, flops: 2 * macs, bytes: [:], format: "f16", choice: choice,
      reads: [tensor(reads)], writes: [tensor(id + 10)],
      figures: interval.map { ["ii": $0, "bottleneck": 1] } ?? [:])
  }

  private func run(_ kernels: [KernelResult], roomLimit: String? = nil) -> MachineRun {
    let seconds = kernels.reduce(0) { $0 + $1.latencySeconds }
    return MachineRun(
      kernels: kernels, timeline: Timeline(), latencySeconds: seconds, cycles: 0, floorSeconds: 0, serialSeconds: seconds,
      roomLimit: roomLimit)
  }

  /// A layer that became two has its name on one of them only, and its activation's on the other.
  @Test func bothHalvesOfAFactoredLayerAreCounted() throws {
    let before = run([
      kernel(0, "a", 4e-6, origin: ["a", "relu"], reads: 1), kernel(1, "b", 5e-6, origin: ["b"], reads: 10),
    ])
    let after = run([
      kernel(0, "a.b", 3.6e-6, origin: ["a"], reads: 1), kernel(1, "a.a", 3.7e-6, origin: ["relu"], reads: 10),
      kernel(2, "b.b", 3.6e-6, origin: [], reads: 11), kernel(3, "b.a", 3.7e-6, origin: ["b"], reads: 12),
    ])
    let rows = SlowerLayers(before: before, after: after, codebooks: []).rows
    #expect(rows.map(\.layer) == ["a", "b"])
    #expect(rows[0].reason.hasPrefix("2 kernels where it was 1 (a.b, a.a), each with a start of its own"))
    #expect(abs(rows[1].afterSeconds - 7.3e-6) < 1e-12)
    let lost = rows.reduce(0) { $0 + $1.afterSeconds - $1.beforeSeconds }
    #expect(abs(lost - (after.latencySeconds - before.latencySeconds)) < 1e-12)
  }

  @Test func onlyKernelsWithoutArithmeticAreConversions() {
    let before = run([kernel(0, "a", 4e-6, origin: ["a"], reads: 1)])
    let after = run([kernel(0, "x_quantize", 2e-6, origin: [], macs: 0, reads: 1), kernel(1, "a", 4e-6, origin: ["a"], reads: 10)])
    let rows = SlowerLayers(before: before, after: after, codebooks: []).rows
    #expect(rows.map(\.layer) == ["(conversions)"])
    #expect(rows[0].reason == "1 kernel converts between formats, such as 'x_quantize'")
  }

  /// Spans of stages overlap: a stage is slower when its interval is, and the resource that forces its folding is the reason.
  @Test func aStageThatIsFoldedMoreNamesTheResource() {
    let before = run([
      kernel(0, "a", 4e-6, origin: ["a"], reads: 1, interval: 1000, choice: "reuse 8"),
      kernel(1, "b", 5e-6, origin: ["b"], reads: 10, interval: 900),
    ])
    let after = run(
      [
        kernel(0, "a", 6e-6, origin: ["a"], reads: 1, interval: 1500, choice: "reuse 12"),
        kernel(1, "b", 7e-6, origin: ["b"], reads: 10, interval: 900),
      ], roomLimit: "1666 dsp needed, 1382 usable")
    let rows = SlowerLayers(before: before, after: after, codebooks: []).rows
    #expect(rows.map(\.layer) == ["a"])
    #expect(rows[0].reason.hasPrefix("1666 dsp needed, 1382 usable with less folding: reuse 12, was reuse 8"))
    #expect(abs(rows[0].afterSeconds - 1.5e-6) < 1e-12)
  }
}
