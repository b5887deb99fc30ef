internal import Basic
internal import IR
internal import Ops

/// (x − mean(x))/√(mean((x − mean(x))²) + ε) over axes that others follow: the normalisation of an image's channels where they stand
/// first (ConvNeXt, Segment Anything). ·γ and + β of any shape stay steps behind it.
let recognizeMeanVarianceNormalization = recognizer(
  "recognize-mean-variance-normalization",
  "(x − mean(x))/√(mean((x − mean(x))²) + ε) over other than the trailing axes becomes mean-variance normalisation.",
  endsAt: [BinaryElementwise(.mul), BinaryElementwise(.div)], relative: 1e-4, form: .layerNormalization
) { match, id throws(NearMiss) in
  let result = match.graph[id].outputs[0]
  // What is missing is told by the recogniser of layer normalisations.
  guard let found = match.standardization(result), let epsilon = found.epsilon, let axes = found.axes, axes == found.varianceAxes,
    let last = axes.last, let type = match.graph.tensorType(found.x), last + 1 < type.rank
  else { return nil }
  return Recognition(
    operation: MeanVarianceNormalization(axes: axes, epsilon: Float(epsilon)), inputs: [found.x], result: result, covers: found.covers)
}
