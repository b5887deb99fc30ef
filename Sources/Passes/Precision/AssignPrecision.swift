internal import Basic
internal import IR

/// Gives every float tensor the number format of the request, as an encoding: weights of contractions one, everything else another.
///
/// Before `%w : f32[64,3,7,7]`, after with `int8`: `%w : f32[64,3,7,7]<i8 channel 0 f32>`. A what-if: values do not change,
/// tensors that carry an encoding already (a quantised model) keep it. Quantised formats apply to contraction operands, and with
/// known scales to what additions, pooling and copies turn into such operands; normalisations, softmax and chains between them
/// run in 16 bits, as libraries do.
package let assignPrecision = GraphPass(
  "assign-precision", "Assumes a number format for weights and activations (what-if).", preserves: .lossy
) { rewriter, context throws(Failure) in
  guard let request = context.precision else { return }
  let graph = rewriter.graph
  let roles = PrecisionRoles(graph, isStatic: !request.isDynamic, plain: context.plainLayers)
  for value in graph.valueIDs {
    // Numbers of 8 bits and fewer are stored as they are meant to be.
    guard case .tensor(var type) = graph[value].type, type.element.isFloat, type.element != .float64, type.element.bits >= 16,
      type.encoding.quantization == nil
    else { continue }
    guard let encoding = roles.encoding(of: value, request, halfFloat: context.capabilities.halfFloat), encoding.storage != type.element
    else { continue }
    type.encoding.quantization = encoding
    rewriter.setType(.tensor(type), of: value)
  }
}
