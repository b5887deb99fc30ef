import Basic
import IR
import Ops
import Testing

@testable import Compression

/// Tables of embeddings in few bits.
@Suite("Embedding tables")
struct EmbeddingTableTests {
  /// Rows of a table whose sizes differ a hundredfold; `isTied` multiplies by the table as well.
  private static func model(isTied: Bool = false) throws -> CompressedModel {
    var rewriter = Rewriter(Graph(name: "embed"))
    let tokens = rewriter.addInput(.tensor(TensorType(.int64, [.symbol("n"), 4])), name: "tokens")
    let values = QuantizationTests.uniform(64 * 16, seed: 3).enumerated().map { $1 * ($0 / 16 % 2 == 0 ? 1 : 0.01) }
    let table = rewriter.addConstant(Constant(Tensor([64, 16], floats: values)), name: "table")
    let gather = try rewriter.addNode(Gather(), [table, tokens], name: "embed", origin: Origin(["embed"]))
    var result = rewriter.graph[gather].outputs[0]
    if isTied {
      let turned = try rewriter.addNode(Transpose([1, 0]), [table], name: "turn", origin: Origin(["turn"]))
      let product = try rewriter.addNode(
        MatrixMultiply(), [result, rewriter.graph[turned].outputs[0]], name: "head", origin: Origin(["head"]))
      result = rewriter.graph[product].outputs[0]
    }
    rewriter.setOutputs([result])
    return CompressedModel(rewriter.finish())
  }

  private static func stage(_ format: [OptionEntry]) throws -> QuantizeStage {
    try QuantizationTests.stage([QuantizationTests.entry("embeddings", .mapping(format))])
  }

  @Test(arguments: [(8, 42.0), (4, 17.0)]) func rowsHaveScalesOfTheirOwn(_ bits: Int, _ least: Double) throws {
    var model = try Self.model()
    let stage = try Self.stage([QuantizationTests.entry("num_bits", .integer(bits))])
    #expect(!stage.needsCalibration)
    try stage.apply(&model, CompressionContext())
    #expect(model.graph.verify().isEmpty)
    let gather = try #require(model.graph.nodeIDs.first { model.graph[$0].operation is Gather })
    guard case .movement(let movement)? = GraphFacts(model.graph).computation(gather) else {
      Issue.record("no movement")
      return
    }
    #expect(movement.inputs[0].storage == (bits == 8 ? .int8 : .int4), "machines read rows as they are stored")
    // Small rows keep their bits: an even and an odd row alone.
    for row in [6, 7] {
      let tokens = Tensor(integers(row, count: 4), shape: [1, 4])
      let samples = try SampleSet([("tokens", tokens)], source: "tokens.npz")
      let sqnr = try #require(try AccuracyMeasure().run(model.graph, against: model.original, on: samples).sqnrDecibels)
      #expect(sqnr > least, "row \(row): \(sqnr) dB")
    }
  }

  private func integers(_ value: Int, count: Int) -> [Int64] { [Int64](repeating: Int64(value), count: count) }

  @Test func aTableWithOtherReadersIsLeft() throws {
    var model = try Self.model(isTied: true)
    try Self.stage([]).apply(&model, CompressionContext())
    #expect(model.records.last?.reason?.contains("turn") == true)
    #expect(model.graph.nodeIDs.allSatisfy { !(model.graph[$0].operation is Dequantize) })
  }

  @Test func aModelWithoutTablesIsRefused() throws {
    var model = try Digits.model()
    #expect(throws: Failure.self) { try Self.stage([]).apply(&model, CompressionContext()) }
  }
}

extension Tensor {
  fileprivate init(_ values: [Int64], shape: [Int]) { self.init(.int64, shape, .int64(values)) }
}
