internal import Basic
internal import IR
internal import Ops

/// x·sigmoid(x): SiLU.
let recognizeSiLU = recognizer("recognize-silu", "x·sigmoid(x) becomes SiLU.", endsAt: [BinaryElementwise(.mul)]) {
  match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  guard let pair = match.binary(result, .mul) else { return nil }
  for (x, gate) in match.eitherOrder(pair) {
    if let (node, y) = match.unary(gate, .sigmoid), y == x {
      return Recognition(operation: UnaryElementwise(.silu), inputs: [x], result: result, covers: [pair.id, node])
    }
  }
  return nil
}
