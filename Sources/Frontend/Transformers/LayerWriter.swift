internal import Basic
internal import IR
internal import Ops

/// Writes layers of a network into a graph: weights are typed but absent, names follow the layer they belong to.
struct LayerWriter: ~Copyable {
  private var rewriter: Rewriter
  private var names: [String] = []
  /// Where the next nodes belong, such as `layer.3.attention`.
  var scope = ""

  init(name: String) { rewriter = Rewriter(Graph(name: name)) }

  // MARK: Values

  mutating func input(_ name: String, _ element: ElementType, _ shape: [Dimension]) -> ValueID {
    rewriter.addInput(.tensor(TensorType(element, shape)), name: name)
  }

  mutating func weight(_ name: String, _ shape: [Int]) -> ValueID {
    rewriter.addConstant(Constant(TensorType(.float32, shape), .absent), name: path(name))
  }

  mutating func mask(_ name: String, _ shape: [Int]) -> ValueID {
    rewriter.addConstant(Constant(TensorType(.bool, shape), .absent), name: path(name))
  }

  mutating func scalar(_ value: Float) -> ValueID {
    rewriter.addConstant(Constant(Tensor([], floats: [value])), name: path("scalar"))
  }

  mutating func integers(_ values: [Int]) -> ValueID {
    rewriter.addConstant(Constant(integers: values.map(Int64.init)), name: path("extents"))
  }

  private func path(_ name: String) -> String { scope.isEmpty ? name : "\(scope).\(name)" }

  // MARK: Nodes

  mutating func node(_ operation: any Operator, _ inputs: [ValueID?], _ name: String, outputs: Int = 1) throws(OperatorError) -> [ValueID] {
    let unique = "\(path(name))#\(names.count)"
    names.append(unique)
    let id = try rewriter.addNode(operation, inputs, name: unique, origin: Origin([unique]), outputCount: outputs)
    return rewriter.graph[id].outputs
  }

  mutating func apply(_ operation: any Operator, _ inputs: [ValueID?], _ name: String) throws(OperatorError) -> ValueID {
    try node(operation, inputs, name)[0]
  }

  /// x·W + b over the last axis.
  mutating func linear(_ x: ValueID, _ from: Int, _ to: Int, _ name: String, bias: Bool = true) throws(OperatorError) -> ValueID {
    let product = try apply(MatrixMultiply(), [x, weight("\(name).weight", [from, to])], name)
    guard bias else { return product }
    return try apply(BinaryElementwise(.add), [product, weight("\(name).bias", [to])], name)
  }

  mutating func layerNorm(_ x: ValueID, _ width: Int, _ name: String) throws(OperatorError) -> ValueID {
    try apply(LayerNormalization(), [x, weight("\(name).weight", [width]), weight("\(name).bias", [width])], name)
  }

  mutating func rootMeanSquareNorm(_ x: ValueID, _ width: Int, _ name: String) throws(OperatorError) -> ValueID {
    // Frameworks spell it out; compilers put it together again.
    let square = try apply(BinaryElementwise(.pow), [x, scalar(2)], name)
    let mean = try apply(Reduce(.mean), [square, integers([-1])], name)
    let root = try apply(UnaryElementwise(.sqrt), [try apply(BinaryElementwise(.add), [mean, scalar(1e-6)], name)], name)
    let normed = try apply(BinaryElementwise(.mul), [x, try apply(UnaryElementwise(.reciprocal), [root], name)], name)
    return try apply(BinaryElementwise(.mul), [normed, weight("\(name).weight", [width])], name)
  }

  mutating func add(_ a: ValueID, _ b: ValueID, _ name: String) throws(OperatorError) -> ValueID {
    try apply(BinaryElementwise(.add), [a, b], name)
  }

  /// [b, s, heads·d] to [b, heads, s, d].
  mutating func splitHeads(_ x: ValueID, _ heads: Int, _ depth: Int, _ name: String) throws(OperatorError) -> ValueID {
    let split = try apply(Reshape(), [x, integers([0, 0, heads, depth])], name)
    return try apply(Transpose([0, 2, 1, 3]), [split], name)
  }

  /// [b, heads, s, d] to [b, s, heads·d].
  mutating func joinHeads(_ x: ValueID, _ width: Int, _ name: String) throws(OperatorError) -> ValueID {
    let joined = try apply(Transpose([0, 2, 1, 3]), [x], name)
    return try apply(Reshape(), [joined, integers([0, 0, width])], name)
  }

  /// Activations as configurations spell them.
  static let activations = [
    "gelu", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_pytorch_tanh", "relu", "silu", "swish",
  ]

  /// The activation as the named function of the framework is carried out: one kernel, or for `gelu_new` eight.
  mutating func activation(_ x: ValueID, _ function: String, _ name: String) throws(OperatorError) -> ValueID {
    switch function {
    case "relu": return try apply(UnaryElementwise(.relu), [x], name)
    case "silu", "swish": return try apply(UnaryElementwise(.silu), [x], name)
    case "gelu_new":
      let cube = try apply(BinaryElementwise(.pow), [x, scalar(3)], name)
      let scaled = try apply(BinaryElementwise(.mul), [cube, scalar(0.044715)], name)
      let sum = try apply(BinaryElementwise(.add), [x, scaled], name)
      let argument = try apply(BinaryElementwise(.mul), [sum, scalar((2 / Float.pi).squareRoot())], name)
      let tanh = try apply(UnaryElementwise(.tanh), [argument], name)
      let gate = try apply(BinaryElementwise(.add), [tanh, scalar(1)], name)
      let half = try apply(BinaryElementwise(.mul), [x, scalar(0.5)], name)
      return try apply(BinaryElementwise(.mul), [half, gate], name)
    case "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate": return try apply(Gelu(.tanh), [x], name)
    default: return try apply(Gelu(.erf), [x], name)
    }
  }

  consuming func finish(outputs: [ValueID], source: String) -> Graph {
    rewriter.setOutputs(outputs)
    var graph = rewriter.finish()
    graph.source.file = source
    graph.source.format = "configuration"
    graph.source.nodeNames = names
    return graph
  }
}
