package import IR
internal import Foundation

/// The plain loops of attention over heads [b, h, s, d] with everything that is added to or kept from the scores.
package struct AttentionScores {
  package let batch: Int
  package let heads: Int
  package let keyHeads: Int
  package let queries: Int
  package let keys: Int
  package var scale: Double?
  package var isCausal = false
  package var window: Int?
  /// Added to a score whose key comes after the query.
  package var causalPenalty = -Double.infinity
  /// Position of each image's first query among the keys; keys − queries when nil.
  package var offsets: [Int]?
  /// Keys that count, per image; all when nil.
  package var keyLengths: [Int]?
  /// scores ← cap·tanh(scores/cap)
  package var cap = 0.0
  private var bias: [(values: [Double], strides: [Int])] = []

  package init(batch: Int, heads: Int, keyHeads: Int, queries: Int, keys: Int) {
    self.batch = batch
    self.heads = heads
    self.keyHeads = keyHeads
    self.queries = queries
    self.keys = keys
  }

  /// Adds a tensor that broadcasts to [b, h, s, t]; false elements of a Boolean one hide their key.
  package mutating func add(_ mask: Tensor) throws(OperatorError) {
    let target = [batch, heads, queries, keys]
    guard try Broadcast.shape([target, mask.shape].map { $0.map(Dimension.constant) }).compactMap(\.constant) == target else {
      throw OperatorError("mask-broadcast", "the mask \(mask.shape) does not broadcast to \(target)")
    }
    var values = try mask.doubles()
    if mask.element == .bool { values = values.map { $0 != 0 ? 0 : -.infinity } }
    bias.append((values, Broadcast.strides(mask.shape, in: target)))
  }

  /// Scores of one query, before softmax.
  private func scores(_ image: Int, _ head: Int, _ query: Int, dot: (Int) -> Double, into row: inout [Double]) {
    let position = query + (offsets?[image] ?? keys - queries)
    for key in 0..<keys {
      var score = dot(key)
      if cap > 0 { score = cap * Foundation.tanh(score / cap) }
      if isCausal, key > position { score += causalPenalty }
      if let window, key > position || key <= position - window { score = -.infinity }
      if let keyLengths, key >= keyLengths[image] { score = -.infinity }
      for (values, strides) in bias {
        score += values[image * strides[0] + head * strides[1] + query * strides[2] + key * strides[3]]
      }
      row[key] = score
    }
  }

  /// y [b, h, s, e] from q [b, h, s, d], k [b, g, t, d] and v [b, g, t, e], all row-major.
  package func attend(
    _ q: [Double], _ k: [Double], _ v: [Double], depth: Int, valueDepth: Int, kernels: (any ComputeKernels)? = nil
  ) -> [Double] {
    if let kernels { return attend(q.map(Float.init), k.map(Float.init), v.map(Float.init), (depth, valueDepth), kernels) }
    let factor = scale ?? 1 / Double(max(1, depth)).squareRoot()
    var y = [Double](repeating: 0, count: batch * heads * queries * valueDepth)
    var row = [Double](repeating: 0, count: keys)
    for image in 0..<batch {
      for head in 0..<heads {
        let shared = (image * keyHeads + head * keyHeads / heads) * keys
        for query in 0..<queries {
          let line = (image * heads + head) * queries + query
          scores(
            image, head, query,
            dot: { key in
              var sum = 0.0
              for index in 0..<depth { sum += q[line * depth + index] * k[(shared + key) * depth + index] }
              return sum * factor
            }, into: &row)
          let largest = row.max() ?? 0
          // A query that sees no key gives zeros.
          guard largest > -.infinity else { continue }
          var sum = 0.0
          for key in 0..<keys {
            row[key] = Foundation.exp(row[key] - largest)
            sum += row[key]
          }
          for key in 0..<keys where row[key] != 0 {
            let weight = row[key] / sum
            for index in 0..<valueDepth { y[line * valueDepth + index] += weight * v[(shared + key) * valueDepth + index] }
          }
        }
      }
    }
    return y
  }
}

extension AttentionScores {
  /// The same with both products in single precision through lent kernels, one head at a time.
  private func attend(
    _ q: [Float], _ k: [Float], _ v: [Float], _ depth: (key: Int, value: Int), _ kernels: any ComputeKernels
  ) -> [Double] {
    let factor = scale ?? 1 / Double(max(1, depth.key)).squareRoot()
    var y: [Double] = []
    y.reserveCapacity(batch * heads * queries * depth.value)
    var row = [Double](repeating: 0, count: keys)
    for image in 0..<batch {
      for head in 0..<heads {
        let shared = (image * keyHeads + head * keyHeads / heads) * keys
        let first = (image * heads + head) * queries * depth.key
        var weights = kernels.multiply(
          MatrixProblem(m: queries, n: keys, k: depth.key, transposesB: true, offsets: [(first, shared * depth.key)]), q, k)
        for query in 0..<queries {
          let start = query * keys
          scores(image, head, query, dot: { Double(weights[start + $0]) * factor }, into: &row)
          let largest = row.max() ?? 0
          var sum: Float = 0
          for key in 0..<keys {
            // A query that sees no key gives zeros.
            let power = largest > -.infinity ? Foundation.exp(Float(row[key] - largest)) : 0
            weights[start + key] = power
            sum += power
          }
          if sum > 0 { for key in 0..<keys { weights[start + key] /= sum } }
        }
        y += kernels.multiply(
          MatrixProblem(m: queries, n: depth.value, k: keys, offsets: [(0, shared * depth.value)]), weights, v
        ).map(Double.init)
      }
    }
    return y
  }

  /// Adds a padding mask: [b] numbers of keys that count, or zeros where `value` is added, [b, t] or [b, s, t] or [b, 1, s, t].
  package mutating func add(padding mask: Tensor, value: Double) throws(OperatorError) {
    let numbers = try mask.doubles()
    if mask.rank == 1 {
      // Longer vectors hold end and start positions of every image in turn; only the ends are used.
      guard numbers.count >= batch else { throw OperatorError("mask-broadcast", "\(numbers.count) lengths for \(batch) images") }
      let flags = (0..<(batch * keys)).map { Double($0 % keys) < numbers[$0 / keys] ? 0 : value }
      try add(Tensor(.float64, [batch, 1, 1, keys], .float64(flags)))
      return
    }
    let flags = numbers.map { $0 == 0 ? value : 0 }
    let shape =
      switch mask.rank {
      case 2: [mask.shape[0], 1, 1, mask.shape[1]]
      case 3: [mask.shape[0], 1, mask.shape[1], mask.shape[2]]
      default: mask.shape
      }
    try add(Tensor(.float64, shape, .float64(flags)))
  }
}
