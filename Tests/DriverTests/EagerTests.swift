import Driver
import Foundation
import Lowering
import Testing

/// Frameworks that call one operation after the other, and tables of whole models.
struct EagerTests {
  private func prediction(_ launch: RunRequest.Launch, batch: Int, target: String = "nvidia-a100-sxm4-80gb") -> Prediction {
    var prediction = PredictionTests.prediction("bert-base", ["batch": batch, "sequence": 128], target)
    prediction.model.precision = "fp32"
    prediction.launch = launch
    return prediction
  }

  @Test func eagerIsNeverFasterThanAGraph() throws {
    for batch in [1, 16] {
      let (graph, eager) = (try prediction(.graph, batch: batch).run(), try prediction(.eager, batch: batch).run())
      #expect(eager.totals.latencySeconds > graph.totals.latencySeconds)
      #expect(eager.kernels.count > graph.kernels.count)
      #expect(eager.verify().isEmpty)
      #expect(eager.request.launch == "eager")
    }
  }

  @Test func theHostBindsShortKernelsAndHidesBehindLongOnes() throws {
    let (short, long) = (try prediction(.eager, batch: 1).run(), try prediction(.eager, batch: 64).run())
    #expect(short.kernels.contains { $0.bound == .host })
    let waiting = long.kernels.dropFirst(8).reduce(0) { $0 + ($1.figures["wait for host (s)"] ?? 0) }
    #expect(waiting < 0.02 * long.totals.latencySeconds)
  }

  @Test func frameworksKeepTheirOwnOperations() throws {
    let eager = try prediction(.eager, batch: 1).run()
    #expect(eager.kernels.allSatisfy { $0.kind != "attention" })
    // Per layer: two normalisations, one softmax; one normalisation of the embeddings.
    #expect(eager.kernels.count { $0.kind == "reduction" } == 12 * 3 + 1)
    // Biases ride along with the six products of a layer; two products of the attention have none.
    #expect(eager.kernels.count { $0.kind == "matmul" } == 12 * 8 + 1)
  }

  @Test func onlyGPUsHaveAHost() {
    var prediction = PredictionTests.prediction("mobilenet-v2", ["batch": 1], "ethos-u55-128")
    prediction.launch = .eager
    #expect(throws: (any Error).self) { _ = try prediction.run() }
  }

  @Test func tablesOfWholeModelsAreValidated() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString).csv").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let root = PredictionTests.root
    try """
    model,target,precision,batch,seq,latency_ms,launch
    \(root)/graphs/bert-base.cwg,A100-SXM4-80GB,fp32,2,64,10,
    \(root)/graphs/bert-base.cwg,A100-SXM4-80GB,fp16,2,64,1,
    \(root)/graphs/bert-base.cwg,A100-SXM4-80GB,fp16,2,64,1,eager
    \(root)/graphs/resnet-50.cwg,Tesla T4,fp16,1,,2,graph
    no-such-model,A100-SXM4-80GB,fp16,2,64,1,
    \(root)/graphs/bert-base.cwg,A100-SXM4-80GB,fp16,2,64,1,lazy
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let validation = try Validation.run(files: [file], options: .init(catalog: PredictionTests.catalog))
    let rows = try #require(validation.tables.first?.predictions.first?.rows)
    #expect(rows.map { $0.predicted != nil } == [true, true, true, true, false, false])
    #expect(rows[0].why.hasPrefix("launch eager") && rows[1].why.hasPrefix("launch graph"))
    #expect(try #require(rows[2].predicted) > #require(rows[1].predicted))
    #expect(validation.overall.skipped == 2)
  }
}
