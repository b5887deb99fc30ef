import Basic
import IR
import Numerics
import Ops
import Testing

@testable import Compression

@Suite("Layerwise sweep")
struct LayerwiseSweepTests {
  /// y = relu(x·a)·b with x [n, 3].
  static func twoLayers() throws -> (graph: Graph, a: ValueID, b: ValueID) {
    var rewriter = Rewriter(Graph(name: "two-layers"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [.symbol("n"), 3])), name: "x")
    let a = rewriter.addConstant(Constant(Tensor([3, 2], floats: [1, -2, 0.5, 1, 2, -1])), name: "a")
    let b = rewriter.addConstant(Constant(Tensor([2, 2], floats: [1, 2, -1, 0.5])), name: "b")
    let first = try rewriter.addNode(MatrixMultiply(), [x, a], name: "first", origin: Origin(["first"]))
    let relu = try rewriter.addNode(UnaryElementwise(.relu), rewriter.graph[first].outputs, name: "relu", origin: Origin(["relu"]))
    let second = try rewriter.addNode(MatrixMultiply(), [rewriter.graph[relu].outputs[0], b], name: "second", origin: Origin(["second"]))
    rewriter.setOutputs(rewriter.graph[second].outputs)
    return (rewriter.finish(), a, b)
  }

  @Test func laterLayersSeeWhatEarlierOnesBecame() throws {
    let (graph, a, _) = try Self.twoLayers()
    let input = Tensor([2, 3], floats: [1, 2, 3, -1, 0, 1])
    let doubled = Constant(Tensor([3, 2], floats: [2, -4, 1, 2, 4, -2]))
    var seen: [(reference: [Float], working: [Float])] = []
    let changed = try LayerwiseSweep(graph, batches: [[.tensor(input)]]).run { layer throws(Failure) in
      if layer.node.name == "second" {
        do throws(OperatorError) {
          seen.append((try layer.referenceInput(0)[0].floats(), try layer.workingInput(0)[0].floats()))
        } catch { throw Failure("\(error)") }
      }
      return layer.node.name == "first" ? [a: doubled] : [:]
    }
    #expect(changed[a] == doubled)
    #expect(seen.count == 1)
    // relu is homogeneous: twice the weights, twice the result.
    #expect(seen[0].working == seen[0].reference.map { 2 * $0 })
  }

  @Test func batchesFollowTheModel() throws {
    let (graph, _, _) = try Self.twoLayers()
    let samples = try SampleSet([("x", Tensor([5, 3], floats: (0..<15).map(Float.init)))], source: "d.npz")
    let batches = try samples.batches(of: 2, for: graph)
    #expect(batches.map { $0[0]?.tensor?.shape } == [[2, 3], [2, 3], [1, 3]])
    #expect(throws: Failure.self) {
      try SampleSet([("x", Tensor([5, 4], floats: [Float](repeating: 0, count: 20)))], source: "d.npz").batches(of: 2, for: graph)
    }
    #expect(throws: Failure.self) { try SampleSet([("x", Tensor([1, 1], floats: [.nan]))], source: "d.npz") }
  }

  /// Outputs that are no numbers have no largest one: measuring them is an error that names the sample.
  @Test func outputsHaveToBeNumbers() throws {
    var rewriter = Rewriter(Graph(name: "logarithm"))
    let x = rewriter.addInput(.tensor(TensorType(.float32, [.symbol("n"), 2])), name: "x")
    let node = try rewriter.addNode(UnaryElementwise(.log), [x], name: "log", origin: Origin())
    rewriter.setOutputs(rewriter.graph[node].outputs)
    let graph = rewriter.finish()
    let samples = try SampleSet([("x", Tensor([3, 2], floats: [1, 2, 3, 4, -1, 5]))], source: "d.npz")
    let failure = #expect(throws: Failure.self) { try AccuracyMeasure().run(graph, against: graph, on: samples) }
    #expect(failure?.description.contains("'logarithm' is not a number for sample 2") == true, "\(failure?.description ?? "")")
  }
}
