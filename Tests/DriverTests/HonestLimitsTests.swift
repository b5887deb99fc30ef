import Basic
import Driver
import Foundation
import Lowering
import Results
import Testing

/// What a prediction must not promise, and what it must refuse before it starts.
struct HonestLimitsTests {
  private func prediction(_ graph: String, _ target: String) throws -> Prediction {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("limits-\(UUID().uuidString).cwg").path
    try graph.write(toFile: path, atomically: true, encoding: .utf8)
    return Prediction(model: ModelRequest(path: path), target: target, catalog: PredictionTests.catalog)
  }

  private func product(_ encoding: String) -> String {
    """
    graph "g" {
      input %0 "x" : f16[64, 4096]
      const %1 "w" : f16[4096, 4096]\(encoding) = absent
      %2 "y" : f16[64, 4096] = matmul(%0, %1) name "r" from ["r"]
      output %2
    }
    """
  }

  @Test(
    "zeros that no instruction skips cost what numbers cost",
    arguments: ["nvidia-a100-sxm4-80gb", "nvidia-v100-sxm2-16gb", "nvidia-h100-sxm5-80gb"], ["sparse 1:4", "sparse 100000"])
  func unskippedZerosBuyNothing(_ target: String, _ sparsity: String) throws {
    let dense = try prediction(product(""), target).run()
    let sparse = try prediction(product("<\(sparsity)>"), target).run()
    #expect(sparse.totals.latencySeconds == dense.totals.latencySeconds)
    #expect(sparse.totals.bytesMoved == dense.totals.bytesMoved)
    #expect(sparse.kernels[0].reason.contains("with its zeros"))
  }

  @Test func anInstructionFor2To4IsUsedWhereThereIsOne() throws {
    func run(_ target: String) throws -> (sparse: RunResult, dense: RunResult) {
      (try prediction(product("<sparse 2:4>"), target).run(), try prediction(product(""), target).run())
    }
    let (a100, v100) = (try run("nvidia-a100-sxm4-80gb"), try run("nvidia-v100-sxm2-16gb"))
    #expect(a100.sparse.totals.latencySeconds < a100.dense.totals.latencySeconds)
    #expect(v100.sparse.totals.latencySeconds == v100.dense.totals.latencySeconds)
  }

  @Test(
    "what no machine holds or finishes is refused by name",
    arguments: ["nvidia-a100-sxm4-80gb", "ethos-u65-512", "zcu104"],
    [
      ("4000000000000000000", "4", "'x' f32[4000000000000000000, 4] has more than 2^48 elements"),
      ("16000000", "16000000", "2^58 operations"),
    ])
  func impossibleSizesAreRefused(_ target: String, _ size: (rows: String, columns: String, message: String)) throws {
    let graph = """
      graph "g" {
        input %0 "x" : f32[\(size.rows), \(size.columns)]
        const %1 "w" : f32[\(size.columns), 16000000] = absent
        %2 "y" : f32[\(size.rows), 16000000] = matmul(%0, %1) name "r" from ["r"]
        output %2
      }
      """
    let failure = #expect(throws: Failure.self) { try prediction(graph, target).run() }
    #expect(failure?.description.contains(size.message) == true, "\(String(describing: failure))")
  }

  @Test func aSweepRefusesWhatDoesNotFit() throws {
    let base = try prediction(product(""), "nvidia-a100-sxm4-80gb")
    let sweep = try PredictionSweep(base, axes: [try .init("dram.capacity=10 MiB,80 GiB")])
    #expect(sweep.rows[0].latencySeconds == nil && sweep.rows[0].failure?.contains("10.0 MiB") == true, "\(sweep.rows[0])")
    #expect(sweep.rows[1].latencySeconds != nil)
  }

  @Test func aPipelineKernelMayStartBeforeSomeOfItsInputs() throws {
    func layer(_ id: Int, _ input: Int, _ name: String) -> String {
      "  %\(id) \"\(name)\" : f32[16, 8] = matmul(%\(input), %1) name \"\(name)\" from [\"\(name)\"]"
    }
    let graph = """
      graph "chain" {
        input %0 "x" : f32[16, 8]
        const %1 "w" : f32[8, 8] = absent
      \(layer(2, 0, "a"))
        %3 "sub" : f32[16, 8] = binary(%0, %2) {function = "sub"} name "sub" from ["sub"]
      \(layer(4, 0, "c"))
        %5 "relu" : f32[16, 8] = unary(%4) {function = "relu"} name "relu" from ["relu"]
      \(layer(6, 5, "b"))
        %7 "mul" : f32[16, 8] = binary(%3, %6) {function = "mul"} name "mul" from ["mul"]
        output %7
      }
      """
    let result = try prediction(graph, "alveo-u250").run()
    #expect(result.verify().isEmpty)
    #expect(Set(result.timeline.spans.map(\.kernel)).count < result.timeline.spans.count, "a kernel has several stages")
  }

  @Test(
    "a framework runs one call of attention as one kernel, and attention written in operations as those",
    arguments: [(3, 1), (4, 0)])
  func attentionCalls(_ scaleOfQueries: Int, _ count: Int) throws {
    let graph = """
      graph "g" {
        input %0 "q" : f32[1, 2, 64, 64]
        input %1 "k" : f32[1, 2, 64, 64]
        input %2 "v" : f32[1, 2, 64, 64]
        const %3 "root" : f32[] = base64 "8wS1Pg=="
        const %4 "two" : f32[] = base64 "AAAAQA=="
        %5 "kt" : f32[1, 2, 64, 64] = transpose(%1) {permutation = [0, 1, 3, 2]} name "t" from ["t"]
        %6 "qs" : f32[1, 2, 64, 64] = binary(%0, %\(scaleOfQueries)) {function = "mul"} name "qs" from ["qs"]
        %7 "ks" : f32[1, 2, 64, 64] = binary(%5, %3) {function = "mul"} name "ks" from ["ks"]
        %8 "s" : f32[1, 2, 64, 64] = matmul(%6, %7) name "s" from ["s"]
        %9 "p" : f32[1, 2, 64, 64] = softmax(%8) {function = "Softmax", axis = -1, isFlattened = false} name "p" from ["p"]
        %10 "y" : f32[1, 2, 64, 64] = matmul(%9, %2) name "y" from ["y"]
        output %10
      }
      """
    var request = try prediction(graph, "nvidia-a100-sxm4-80gb")
    request.launch = .eager
    #expect(try request.run().kernels.count { $0.kind == "attention" } == count)
  }
}
