package import IR

/// An operator that the written ONNX version does not have, or not in every form: it is written as a local function of
/// operators it has.
package protocol ONNXDecomposable: Operator {
  /// True when ONNX has no operator with these attributes, whatever the inputs.
  var isAbsentFromONNX: Bool { get }

  /// A graph with one input per present input of the node, in order, that computes its first outputs.
  func onnxBody(_ context: InferenceContext) throws(OperatorError) -> Graph

  /// True when ONNX lacks the operator, or has it only without inputs that are present here or with inputs that are absent.
  func needsONNXBody(presentInputs: [Bool]) -> Bool

  /// Outputs of the body; a node with another number of outputs is written as an operator.
  var onnxBodyOutputs: Int { get }
}

extension ONNXDecomposable {
  package var onnxBodyOutputs: Int { 1 }
  package func needsONNXBody(presentInputs: [Bool]) -> Bool { isAbsentFromONNX }
}

extension ONNXDecomposable {
  package var isAbsentFromONNX: Bool { true }
}

/// Builds such a graph, naming nodes by what they do.
struct BodyBuilder: ~Copyable {
  private var rewriter: Rewriter
  /// The present inputs.
  let inputs: [ValueID]

  init(_ name: String, _ context: InferenceContext) {
    rewriter = Rewriter(Graph(name: name))
    var ids: [ValueID] = []
    for (index, type) in context.inputs.enumerated() {
      if let type { ids.append(rewriter.addInput(type, name: "in\(index)")) }
    }
    inputs = ids
  }

  mutating func add(_ operation: any Operator, _ inputs: [ValueID?], _ name: String) throws(OperatorError) -> ValueID {
    let node = try rewriter.addNode(operation, inputs, name: name, origin: Origin())
    return rewriter.graph[node].outputs[0]
  }

  mutating func constant(_ tensor: Tensor, _ name: String) -> ValueID {
    rewriter.addConstant(Constant(tensor), name: name)
  }

  /// A scalar of a float type.
  mutating func scalar(_ value: Double, _ element: ElementType, _ name: String) -> ValueID {
    constant(Tensor(element, [], rounding: [value]), name)
  }

  /// Equal parts along an axis.
  mutating func split(_ value: ValueID, axis: Int, into parts: Int, _ name: String) throws(OperatorError) -> [ValueID] {
    let node = try rewriter.addNode(Split(axis: axis, parts: parts), [value], name: name, origin: Origin(), outputCount: parts)
    return rewriter.graph[node].outputs
  }

  consuming func finish(_ output: ValueID) -> Graph { finish([output]) }

  consuming func finish(_ outputs: [ValueID]) -> Graph {
    rewriter.setOutputs(outputs)
    return rewriter.finish()
  }
}
