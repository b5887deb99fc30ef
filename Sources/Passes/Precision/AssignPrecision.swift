internal import Basic
internal import IR

/// Gives every float tensor the number format of the request, as an encoding: weights of contractions one, everything else another.
///
/// Before `%w : f32[64,3,7,7]`, after with `int8`: `%w : f32[64,3,7,7]<i8 channel 0 f32>`. A what-if: values do not change,
/// tensors that carry an encoding already (a quantised model) keep it. Quantised formats apply to contraction operands only;
/// normalisations, softmax and chains between them run in 16 bits, as libraries do.
package let assignPrecision = GraphPass(
  "assign-precision", "Assumes a number format for weights and activations (what-if).", preserves: .lossy
) { rewriter, context throws(Failure) in
  guard let request = context.precision else { return }
  let graph = rewriter.graph
  let roles = PrecisionRoles(graph)
  for value in graph.valueIDs {
    guard case .tensor(var type) = graph[value].type, type.element.isFloat, type.element != .float64,
      type.encoding.quantization == nil
    else { continue }
    guard let encoding = roles.encoding(of: value, request), encoding.storage != type.element else { continue }
    type.encoding.quantization = encoding
    rewriter.setType(.tensor(type), of: value)
  }
}

/// Which values contractions read as weights and activations.
private struct PrecisionRoles {
  private var weights: Set<ValueID> = []
  private var activations: Set<ValueID> = []

  init(_ graph: Graph) {
    for id in graph.nodeIDs {
      let node = graph[id]
      guard case .contraction? = graph.computation(of: node), node.inputs.count >= 2 else { continue }
      for case let input? in node.inputs.prefix(2) {
        if graph[input].constant != nil { weights.insert(input) } else { activations.insert(input) }
      }
    }
  }

  func encoding(of value: ValueID, _ request: PrecisionRequest) -> Encoding.Quantization? {
    if weights.contains(value) {
      return Encoding.Quantization(storage: request.weights, granularity: request.weightGranularity ?? .tensor)
    }
    let storage = request.activations
    guard storage.bits < 16 else { return Encoding.Quantization(storage: storage) }
    guard activations.contains(value) else { return Encoding.Quantization(storage: .bfloat16) }
    return Encoding.Quantization(storage: storage, granularity: request.isDynamic ? .token : .tensor, isDynamic: request.isDynamic)
  }
}
