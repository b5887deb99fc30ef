import IR
import Ops

/// A small random network from a seed: convolutions, products, chains, diamonds, reductions and views.
struct RandomGraph: ~Copyable {
  private var state: UInt64
  private var rewriter = Rewriter(Graph(name: "random"))
  private var values: [ValueID] = []
  private var names: [String] = []

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  static func make(seed: UInt64, nodes: Int) throws -> Graph {
    var generator = RandomGraph(seed: seed)
    let input = generator.rewriter.addInput(.tensor(TensorType(.float32, [1, 4, 6, 6])), name: "x")
    generator.values = [input]
    for index in 0..<nodes { try generator.addNode(index) }
    return generator.finish()
  }

  private mutating func next(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(bound))
  }

  /// Recent values are read more often, so that chains form.
  private mutating func pick() -> ValueID {
    let reach = min(values.count, 1 + next(4))
    return values[values.count - 1 - next(reach)]
  }

  private mutating func addNode(_ index: Int) throws {
    let x = pick()
    let type = rewriter.graph.tensorType(x)
    let name = "n\(index)"
    let origin = Origin([name])
    let node: NodeID
    switch next(8) {
    case 0,
      1 where type?.rank == 4:
      let weight = rewriter.addConstant(Constant(TensorType(.float32, [4, 4, 3, 3]), .absent), name: "\(name).w")
      node = try rewriter.addNode(
        Convolve(strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1]), [x, weight], name: name, origin: origin)
    case 2, 3:
      let functions: [UnaryElementwise.Function] = [.relu, .sigmoid, .tanh, .abs, .neg]
      node = try rewriter.addNode(UnaryElementwise(functions[next(functions.count)]), [x], name: name, origin: origin)
    case 4, 5:
      let functions: [BinaryElementwise.Function] = [.add, .mul, .sub]
      node = try rewriter.addNode(BinaryElementwise(functions[next(3)]), [x, pick()], name: name, origin: origin)
    case 6:
      node = try rewriter.addNode(Identity(), [x], name: name, origin: origin)
    default:
      node = try rewriter.addNode(Softmax(axis: -1), [x], name: name, origin: origin)
    }
    names.append(name)
    values.append(rewriter.graph[node].outputs[0])
  }

  private consuming func finish() -> Graph {
    rewriter.setOutputs([values[values.count - 1], values[values.count / 2]])
    var graph = rewriter.finish()
    graph.source.nodeNames = names
    return graph
  }
}
