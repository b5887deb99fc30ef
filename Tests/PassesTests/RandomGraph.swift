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
    switch next(11) {
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
    case 7:
      node = try addNormalization(x, name)
    case 8:
      node = try addGelu(x, name)
    case 9:
      node = try addRoundTrip(x, type, name)
    default:
      node = try rewriter.addNode(Softmax(axis: -1), [x], name: name, origin: origin)
    }
    names.append(name)
    values.append(rewriter.graph[node].outputs[0])
  }

  /// One step of a pattern, under a name and origin of its own.
  private mutating func step(_ operation: any Operator, _ inputs: [ValueID], _ name: String) throws -> NodeID {
    names.append(name)
    return try rewriter.addNode(operation, inputs, name: name, origin: Origin([name]))
  }

  private func result(_ node: NodeID) -> ValueID { rewriter.graph[node].outputs[0] }

  private mutating func scalar(_ value: Double, _ name: String) -> ValueID {
    rewriter.addConstant(Constant(Tensor(.float32, [], rounding: [value])), name: name)
  }

  /// (x − mean)/√(variance + ε) as exporters write it; sometimes over the wrong axis, which is only nearly a layer norm.
  private mutating func addNormalization(_ x: ValueID, _ name: String) throws -> NodeID {
    let axis = rewriter.addConstant(Constant(integers: [next(3) == 0 ? 1 : -1]), name: "\(name).axis")
    let mean = try step(Reduce(.mean), [x, axis], "\(name).mean")
    let deviation = try step(BinaryElementwise(.sub), [x, result(mean)], "\(name).deviation")
    let square = try step(BinaryElementwise(.pow), [result(deviation), scalar(2, "\(name).two")], "\(name).square")
    let variance = try step(Reduce(.mean), [result(square), axis], "\(name).variance")
    let shifted = try step(BinaryElementwise(.add), [result(variance), scalar(1e-5, "\(name).epsilon")], "\(name).shifted")
    let root = try step(UnaryElementwise(.sqrt), [result(shifted)], "\(name).root")
    return try rewriter.addNode(
      BinaryElementwise(.div), [result(deviation), result(root)], name: name, origin: Origin([name]))
  }

  private mutating func addGelu(_ x: ValueID, _ name: String) throws -> NodeID {
    let scaled = try step(BinaryElementwise(.div), [x, scalar(2.0.squareRoot(), "\(name).root")], "\(name).scaled")
    let erf = try step(UnaryElementwise(.erf), [result(scaled)], "\(name).erf")
    let gate = try step(BinaryElementwise(.add), [scalar(1, "\(name).one"), result(erf)], "\(name).gate")
    let product = try step(BinaryElementwise(.mul), [x, result(gate)], "\(name).product")
    return try rewriter.addNode(
      BinaryElementwise(.mul), [result(product), scalar(0.5, "\(name).half")], name: name, origin: Origin([name]))
  }

  /// A reshape and its inverse, or two transpositions.
  private mutating func addRoundTrip(_ x: ValueID, _ type: TensorType?, _ name: String) throws -> NodeID {
    guard next(2) == 0, let shape = type?.constantShape, shape.count == 4 else {
      let turned = try step(Transpose([0, 1, 3, 2]), [x], "\(name).turned")
      return try rewriter.addNode(Transpose([0, 1, 3, 2]), [result(turned)], name: name, origin: Origin([name]))
    }
    let flat = rewriter.addConstant(Constant(integers: [-1]), name: "\(name).flat")
    let whole = rewriter.addConstant(Constant(integers: shape.map(Int64.init)), name: "\(name).whole")
    let flattened = try step(Reshape(), [x, flat], "\(name).flattened")
    return try rewriter.addNode(Reshape(), [result(flattened), whole], name: name, origin: Origin([name]))
  }

  private consuming func finish() -> Graph {
    rewriter.setOutputs([values[values.count - 1], values[values.count / 2]])
    var graph = rewriter.finish()
    graph.source.nodeNames = names
    return graph
  }
}
