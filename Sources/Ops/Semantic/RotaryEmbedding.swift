package import IR

/// Rotates pairs of features by angles that grow with the position (RoPE).
///
/// Inputs: x [b, h, s, d] or [b, s, h·d], optional positions ([b, s], [1] or absent when the caches are per position),
/// cosines and sines [positions, r/2] (or [b, s, r/2] without positions). Output: like x.
package struct RotaryEmbedding: ONNXOperator {
  package static let name = "rotary-embedding"

  /// Pairs are neighbours (2i, 2i + 1), not (i, i + r/2).
  package var isInterleaved: Bool
  /// Needed for the three-axis layout; 0 otherwise.
  package var heads: Int
  /// Features rotated; 0 means all of a head.
  package var rotated: Int
  package var scale: Float

  package init(isInterleaved: Bool = false, heads: Int = 0, rotated: Int = 0, scale: Float = 1) {
    self.isInterleaved = isInterleaved
    self.heads = heads
    self.rotated = rotated
    self.scale = scale
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 3 || x.rank == 4 else {
      throw OperatorError("ranks-match", "the input \(x.shape.text) must be [b, h, s, d] or [b, s, h·d]")
    }
    _ = try context.tensor(2)
    _ = try context.tensor(3)
    return [.tensor(TensorType(x.element, x.shape))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("rotary-embedding", simple: 3)
  }

  package var storedForm: StoredForm? { .rescaled }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let tensor = try inputs.tensor(0)
    let cache = try inputs.tensor(2)
    let cosines = try cache.doubles()
    let sines = try inputs.tensor(3).doubles()
    let positions = try inputs.optionalTensor(1)?.integers()
    var x = try tensor.doubles()
    guard let half = cache.shape.last, half > 0, sines.count == cosines.count else {
      throw OperatorError("cache-shape", "cosines and sines must have one shape")
    }
    let batch = tensor.shape[0]
    let length = tensor.rank == 4 ? tensor.shape[2] : tensor.shape[1]
    let depth: Int
    if tensor.rank == 4 {
      depth = tensor.shape[3]
    } else {
      let headCount = heads
      depth = headCount > 0 ? tensor.shape[2] / headCount : max(half * 2, rotated)
    }
    let headCount = tensor.rank == 4 ? tensor.shape[1] : tensor.shape[2] / max(1, depth)
    guard depth >= 2 * half else { throw OperatorError("cache-shape", "a head of \(depth) features has no \(half) pairs") }
    for image in 0..<batch {
      for step in 0..<length {
        let row = image * length + step
        let position: Int
        if let positions {
          position = positions.count == 1 ? Int(positions[0]) &+ step : row < positions.count ? Int(positions[row]) : -1
        } else {
          position = cache.rank == 3 ? row : step
        }
        guard position >= 0, position < cosines.count / half else {
          throw OperatorError("position-range", "position \(position) lies outside the cosine table")
        }
        for head in 0..<headCount {
          let start = tensor.rank == 4 ? ((image * headCount + head) * length + step) * depth : (row * headCount + head) * depth
          for pair in 0..<half {
            let first = start + (isInterleaved ? 2 * pair : pair)
            let second = isInterleaved ? first + 1 : first + half
            let (c, s) = (cosines[position * half + pair], sines[position * half + pair])
            (x[first], x[second]) = (x[first] * c - x[second] * s, x[first] * s + x[second] * c)
          }
        }
      }
    }
    if scale != 1 { x = x.map { $0 * Double(scale) } }
    return [.tensor(Tensor(tensor.element, tensor.shape, rounding: x))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "RotaryEmbedding"), "RotaryEmbedding"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RotaryEmbedding {
    if node.name.domain.isEmpty {
      guard node.inputs.count >= 3 else { throw OperatorError("missing-input", "a rotary embedding needs cosines and sines") }
      let positions = node.inputs.count > 3 ? node.inputs[3] : .absent
      node.inputs = [node.inputs[0], positions, node.inputs[1], node.inputs[2]]
    }
    node.ignore("is_packed_batching")
    return RotaryEmbedding(
      isInterleaved: try node.integer("interleaved") ?? 0 != 0, heads: try node.integer("num_heads") ?? 0,
      rotated: try node.integer("rotary_embedding_dim") ?? 0, scale: try node.float("scale") ?? 1)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      ONNXName(domain: "com.microsoft", "RotaryEmbedding"),
      [
        ("interleaved", .integer(isInterleaved ? 1 : 0)), ("num_heads", .integer(heads)),
        ("rotary_embedding_dim", .integer(rotated)), ("scale", .float(scale)),
      ])
  }
}
