internal import Basic
internal import IR
internal import Ops

/// A reshape to six axes, a transposition and a reshape back: pixel shuffle or its inverse.
let recognizePixelShuffle = recognizer(
  "recognize-pixel-shuffle", "reshape(transpose(reshape(x))) between channels and blocks of pixels becomes pixel-shuffle.",
  endsAt: [Reshape()], relative: 0, form: .pixelShuffle, conditions: Condition.all
) { match, id throws(NearMiss) in
  guard let (join, _, joined) = match.made(match.graph[id].outputs[0], by: Reshape.self),
    let (transpose, op, transposed) = match.made(joined.inputs[0], by: Transpose.self), let permutation = op.permutation,
    permutation.count == 6, let (split, _, splitNode) = match.made(transposed.inputs[0], by: Reshape.self),
    let x = splitNode.inputs[0], let from = match.graph.tensorType(x)?.constantShape, from.count == 4,
    let parts = match.graph.tensorType(splitNode.outputs[0])?.constantShape,
    let to = match.graph.tensorType(joined.outputs[0])?.constantShape, to.count == 4, !from.contains(0)
  else { return nil }
  let covers = [split, transpose, join]
  let (c, h, w) = (from[1], from[2], from[3])
  let operation: PixelShuffle
  switch permutation {
  case [0, 1, 4, 2, 5, 3] where parts[2] == parts[3] && parts == [from[0], c / (parts[2] * parts[2]), parts[2], parts[2], h, w]:
    operation = PixelShuffle(.columnFirst, block: parts[2])
  case [0, 3, 4, 1, 5, 2] where parts[1] == parts[2] && parts == [from[0], parts[1], parts[1], c / (parts[1] * parts[1]), h, w]:
    operation = PixelShuffle(.depthFirst, block: parts[1])
  case [0, 3, 5, 1, 2, 4] where parts[3] == parts[5] && parts == [from[0], c, h / parts[3], parts[3], w / parts[3], parts[3]]:
    operation = PixelShuffle(.spaceToDepth, block: parts[3])
  default: throw NearMiss(Condition.order, found: "\(parts) in the order \(permutation)", covers)
  }
  let block = operation.block
  let expected =
    operation.direction == .spaceToDepth
    ? [from[0], c * block * block, h / block, w / block] : [from[0], c / (block * block), h * block, w * block]
  guard to == expected else { throw NearMiss(Condition.result, found: "\(to)", covers) }
  return Recognition(operation: operation, inputs: [x], result: joined.outputs[0], covers: covers)
}

private enum Condition {
  static let order = "the six axes are not square blocks of pixels in one of the three known orders"
  static let result = "the last reshape does not join channels and blocks"
  static let all = [order, result]
}
