internal import Basic
internal import IR

/// Forgets the values of float constants with more than 16 elements: what is left is the structure, as shipped graphs have it.
///
/// Small constants stay, because recognisers read them (bounds of a clip, the ε of a norm).
let dropWeights = GraphPass(
  "drop-weights", "Forgets the values of weights and keeps their types, for graphs that are shared without them.", preserves: .lossy
) { rewriter, context throws(Failure) in
  for id in rewriter.graph.valueIDs {
    guard let constant = rewriter.graph[id].constant, constant.type.element.isFloat, constant.payload != .absent,
      let count = constant.type.elementCount, count > 16
    else { continue }
    rewriter.setConstant(Constant(constant.type, .absent), of: id)
    context.count("weight")
  }
}
