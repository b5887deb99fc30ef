import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

@Suite("Channels of the whole model")
struct UnitCompetitionTests {
  @Test func theLeastOfAllGroupsGo() {
    // The second group has two units that carry nothing; the first is even.
    let competition = UnitCompetition([[1, 1, 1, 1], [0, 500, 0, 500]], originals: [4, 4])
    #expect(competition.shares(0.25) == [0, 0.5])
    #expect(competition.shares(0) == [0, 0])
    // Scales of groups do not matter, only shares of their own importance.
    #expect(UnitCompetition([[1e6, 1e6, 1e6, 1e6], [0, 5, 0, 5]], originals: [4, 4]).shares(0.25) == [0, 0.5])
  }

  @Test func noGroupIsEmptied() {
    let shares = UnitCompetition([[0, 0, 0, 0], [1, 2, 3, 4]], originals: [4, 4]).shares(0.9)
    #expect(shares[0] == 0.75)
    // What earlier steps removed counts.
    #expect(UnitCompetition([[1, 2, 3], [1, 2, 3, 4]], originals: [4, 4]).shares(0.125) == [0.25, 0])
  }

  @Test func rankingAcrossTheModelIsAnOption() throws {
    var model = try Digits.model()
    let stage = try Digits.stage(
      PruneChannelsStage.self, [("ratio", .number(0.3)), ("of", .text("channels")), ("ranking", .text("model"))])
    try stage.apply(&model, try Digits.context(samples: 32))
    let removed = model.records.compactMap { record in record.figures.first { $0.name == "removed" }?.value }
    #expect(Set(removed).count > 1)
    #expect(try Digits.accuracy(model.graph) > 0.8)
  }

  /// A layer of low rank keeps the factor of its bias.
  @Test func splitLayersKeepTheirBiasFactor() throws {
    var rewriter = Rewriter(Graph(name: "gemm"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [2, 3])), name: "x")
    let w = rewriter.addConstant(Constant(Tensor([3, 2], floats: [1, -2, 0.5, 1, 2, -1])), name: "w")
    let b = rewriter.addConstant(Constant(Tensor([2], floats: [3, -5])), name: "b")
    let node = try rewriter.addNode(Gemm(beta: 0.5), [x, w, b], name: "gemm", origin: Origin(["gemm"]))
    rewriter.setOutputs(rewriter.graph[node].outputs)
    let graph = rewriter.finish()
    let layer = try #require(LinearLayer(graph, node))
    let weights = try layer.matrices(try layer.tensor(in: graph))[0]
    let split = try layer.split(try LowRankFactors(weights, moment: .identity(3), rank: 2), in: graph)
    let input = Datum.tensor(Tensor([2, 3], floats: [1, 2, 3, -1, 0, 4]))
    let before = try #require(Evaluator().run(graph, inputs: [input])[0].tensor)
    let after = try #require(Evaluator().run(split, inputs: [input])[0].tensor)
    #expect(try Comparison(after, before).relativeError < 1e-5)
    // A scaled bias is no place for a mean error.
    #expect(layer.addend(in: graph, users: graph.usersByValue()) == nil)
  }
}
