internal import Basic
internal import IR
internal import Ops

/// The erf form only: frameworks have one kernel for it, and spell the tanh form operation by operation.
let recognizeExactGelu = recognizer(
  "recognize-exact-gelu", "½·x·(1 + erf(x/√2)) becomes GELU; the tanh form stays as it is.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], conditions: GeluCondition.all
) { match, id throws(NearMiss) in
  try match.gelu(id, forms: [.erf])
}
