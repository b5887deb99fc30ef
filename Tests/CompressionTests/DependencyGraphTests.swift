import Compression
import IR
import Numerics
import Ops
import Testing

/// Graphs in which channels are tied in every way the operators know, with seeded weights.
private struct NetworkBuilder: ~Copyable {
  var rewriter = Rewriter(Graph(name: "net"))
  private var numbers = TestNumbers(seed: 5)
  private var count = 0

  init() {}

  mutating func input(_ shape: [Int]) -> ValueID { rewriter.addInput(.tensor(TensorType(.float32, shape)), name: "x") }

  mutating func weights(_ shape: [Int]) -> ValueID {
    count += 1
    let values = (0..<shape.reduce(1, *)).map { _ in Float(numbers.next()) }
    return rewriter.addConstant(Constant(Tensor(shape, floats: values)), name: "w\(count)")
  }

  mutating func integers(_ values: [Int64]) -> ValueID {
    count += 1
    return rewriter.addConstant(Constant(integers: values), name: "i\(count)")
  }

  mutating func add(_ operation: any Operator, _ inputs: [ValueID?], name: String? = nil, outputs: Int = 1) throws -> [ValueID] {
    count += 1
    let label = name ?? "\(type(of: operation).name)\(count)"
    let node = try rewriter.addNode(operation, inputs, name: label, origin: Origin([label]), outputCount: outputs)
    return rewriter.graph[node].outputs
  }

  mutating func conv(_ x: ValueID, _ filters: Int, channels: Int, groups: Int = 1, kernel: Int = 3, name: String? = nil) throws -> ValueID {
    let w = weights([filters, channels / groups, kernel, kernel])
    let b = weights([filters])
    let pad = kernel / 2
    return try add(
      Convolve(strides: [1, 1], dilations: [1, 1], pads: [pad, pad, pad, pad], groups: groups), [x, w, b], name: name)[0]
  }

  consuming func finish(_ outputs: [ValueID]) -> Graph {
    rewriter.setOutputs(outputs)
    return rewriter.finish()
  }
}

@Suite struct DependencyGraphTests {
  enum Shape: CaseIterable { case residual, depthwise, grouped, concatenated, flattened, heads, split, normalised }

  private static func network(_ shape: Shape) throws -> Graph {
    var net = NetworkBuilder()
    let relu = UnaryElementwise(.relu)
    switch shape {
    case .residual:
      let x = net.input([2, 3, 4, 4])
      let stem = try net.conv(x, 6, channels: 3, name: "stem")
      let inner = try net.add(relu, [try net.conv(stem, 8, channels: 6, name: "inner")])[0]
      let outer = try net.conv(inner, 6, channels: 8, name: "outer")
      let sum = try net.add(BinaryElementwise(.add), [outer, stem])[0]
      return net.finish([try net.conv(sum, 2, channels: 6, name: "head")])
    case .depthwise:
      let x = net.input([1, 3, 4, 4])
      let expanded = try net.conv(x, 8, channels: 3, name: "expand")
      let filtered = try net.add(relu, [try net.conv(expanded, 8, channels: 8, groups: 8, name: "depthwise")])[0]
      return net.finish([try net.conv(filtered, 2, channels: 8, name: "project")])
    case .grouped:
      let x = net.input([1, 3, 4, 4])
      let expanded = try net.conv(x, 8, channels: 3, name: "expand")
      let filtered = try net.conv(expanded, 12, channels: 8, groups: 2, name: "grouped")
      return net.finish([try net.conv(filtered, 2, channels: 12, name: "project")])
    case .concatenated:
      let x = net.input([1, 3, 4, 4])
      let (a, b) = (try net.conv(x, 4, channels: 3, name: "a"), try net.conv(x, 6, channels: 3, name: "b"))
      let both = try net.add(Concatenate(axis: 1), [a, b])[0]
      return net.finish([try net.conv(both, 2, channels: 10, name: "head")])
    case .flattened:
      let x = net.input([2, 3, 4, 4])
      let features = try net.conv(x, 5, channels: 3, name: "features")
      let pooled = try net.add(Pool(.maximum, kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0]), [features])[0]
      let flat = try net.add(Flatten(axis: 1), [pooled])[0]
      return net.finish(try net.add(Gemm(), [flat, net.weights([20, 3]), net.weights([3])]))
    case .heads:
      let x = net.input([1, 5, 6])
      func project(_ net: inout NetworkBuilder, _ name: String) throws -> ValueID {
        let y = try net.add(MatrixMultiply(), [x, net.weights([6, 12])], name: name)[0]
        let biased = try net.add(BinaryElementwise(.add), [y, net.weights([12])])[0]
        let shaped = try net.add(Reshape(), [biased, net.integers([0, 0, 3, 4])])[0]
        return try net.add(Transpose([0, 2, 1, 3]), [shaped])[0]
      }
      let (q, k, v) = (try project(&net, "q"), try project(&net, "k"), try project(&net, "v"))
      let keys = try net.add(Transpose([0, 1, 3, 2]), [k])[0]
      let scores = try net.add(Softmax(axis: -1), [try net.add(MatrixMultiply(), [q, keys])[0]])[0]
      let mixed = try net.add(Transpose([0, 2, 1, 3]), [try net.add(MatrixMultiply(), [scores, v])[0]])[0]
      let merged = try net.add(Reshape(), [mixed, net.integers([1, 5, 12])])[0]
      return net.finish(try net.add(MatrixMultiply(), [merged, net.weights([12, 6])], name: "o"))
    case .split:
      let x = net.input([1, 3, 4, 4])
      let wide = try net.conv(x, 8, channels: 3, name: "wide")
      let parts = try net.add(Split(axis: 1), [wide, net.integers([4, 4])], outputs: 2)
      let gated = try net.add(BinaryElementwise(.mul), [parts[0], parts[1]])[0]
      return net.finish([try net.conv(gated, 2, channels: 4, name: "head")])
    case .normalised:
      let x = net.input([1, 3, 4, 4])
      let features = try net.conv(x, 6, channels: 3, name: "features")
      let variance = net.rewriter.addConstant(Constant(Tensor([6], floats: [1, 2, 3, 1, 2, 3])), name: "variance")
      let y = try net.add(BatchNormalization(), [features, net.weights([6]), net.weights([6]), net.weights([6]), variance])[0]
      return net.finish([try net.conv(try net.add(relu, [y])[0], 2, channels: 6, name: "head")])
    }
  }

  private func free(_ graph: Graph) -> [DependencyGraph.Group] {
    DependencyGraph(graph).groups.filter { group in
      group.obstacle == nil && group.axes.contains { graph[$0.value].constant?.type.element == .float32 }
    }
  }

  /// Cutting positions out equals setting the weights that touch them to zero.
  @Test(arguments: Shape.allCases)
  func cuttingEqualsZeroing(shape: Shape) throws {
    let graph = try Self.network(shape)
    let inputs = try SeededInputs.inputs(of: graph, seed: 3)
    let groups = free(graph)
    #expect(!groups.isEmpty)
    for group in groups {
      let units = group.units.count > 2 ? [group.units[0], group.units[2]] : [group.units[0]]
      let cut = AxisCut(units)
      let smaller = try cut.applied(to: graph)
      #expect(smaller.verify().isEmpty)
      #expect(smaller.verifyTypes().isEmpty)
      var rewriter = Rewriter(graph)
      for (axis, positions) in cut.removed {
        guard let constant = rewriter.graph[axis.value].constant, let tensor = Tensor(constant), case .float32(var values) = tensor.elements
        else { continue }
        let inner = tensor.shape[(axis.axis + 1)...].reduce(1, *)
        for index in values.indices where positions.contains(index / inner % tensor.shape[axis.axis]) { values[index] = 0 }
        rewriter.setConstant(Constant(Tensor(tensor.shape, floats: values)), of: axis.value)
      }
      let a = try #require(Evaluator().run(smaller, inputs: inputs)[0].tensor)
      let b = try #require(Evaluator().run(rewriter.finish(), inputs: inputs)[0].tensor)
      #expect(try Comparison(a, b).relativeError < 1e-4, "\(shape)")
    }
  }

  /// Another order of the units computes the same.
  @Test(arguments: Shape.allCases)
  func reorderingKeepsValues(shape: Shape) throws {
    let graph = try Self.network(shape)
    let inputs = try SeededInputs.inputs(of: graph, seed: 3)
    let before = try #require(Evaluator().run(graph, inputs: inputs)[0].tensor)
    for group in free(graph) {
      let after = try #require(Evaluator().run(group.reordered(graph, Array((0..<group.units.count).reversed())), inputs: inputs)[0].tensor)
      #expect(try Comparison(after, before).relativeError < 1e-4)
    }
  }

  @Test func headsTieAllFourProjections() throws {
    let graph = try Self.network(.heads)
    let heads = try #require(free(graph).first)
    #expect(heads.units.count == 3)
    let weights = heads.axes.filter { graph[$0.value].constant?.type.rank == 2 }
    #expect(weights.count == 4)
    #expect(heads.units[1].positions[weights[0]] == [4, 5, 6, 7])
  }

  @Test func obstaclesNameTheirNode() throws {
    let graph = try Self.network(.residual)
    let groups = DependencyGraph(graph).groups
    let inner = groups.filter { $0.obstacle == nil }
    // Inner channels of the block, and the residual stream that the stem and the block's last layer make together.
    #expect(inner.map(\.units.count).sorted() == [6, 8])
    #expect(groups.contains { $0.obstacle?.reason.contains("input of the graph") == true })
    #expect(groups.contains { $0.obstacle?.reason.contains("output of the graph") == true })
  }
}
