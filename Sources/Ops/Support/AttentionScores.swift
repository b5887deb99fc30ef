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
  /// A score beside those of the keys, by image, head and query.
  private var sinks: (values: [Double], strides: [Int])?

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

  /// Adds a score beside those of the keys, a tensor that broadcasts to [b, h, s, 1].
  package mutating func add(sinks: Tensor) throws(OperatorError) {
    let target = [batch, heads, queries, 1]
    guard try Broadcast.shape([target, sinks.shape].map { $0.map(Dimension.constant) }).compactMap(\.constant) == target else {
      throw OperatorError("sink-broadcast", "the sinks \(sinks.shape) do not broadcast to \(target)")
    }
    self.sinks = (try sinks.doubles(), Broadcast.strides(sinks.shape, in: target))
  }

  private func sink(image: Int, head: Int, query: Int) -> Double? {
    sinks.map { $0.values[image * $0.strides[0] + head * $0.strides[1] + query * $0.strides[2]] }
  }

  /// Scores of one query before softmax, from its scaled products with the keys.
  private func mask(_ row: inout [Double], image: Int, head: Int, query: Int) {
    if cap > 0 { for key in row.indices { row[key] = cap * Foundation.tanh(row[key] / cap) } }
    let position = query + (offsets?[image] ?? keys - queries)
    if isCausal { for key in row.indices.dropFirst(max(0, position + 1)) { row[key] += causalPenalty } }
    if let window {
      for key in row.indices where key > position || key <= position - window { row[key] = -.infinity }
    }
    if let keyLengths { for key in row.indices where key >= keyLengths[image] { row[key] = -.infinity } }
    for (values, strides) in bias {
      let start = image * strides[0] + head * strides[1] + query * strides[2]
      for key in row.indices { row[key] += values[start + key * strides[3]] }
    }
  }

  /// Whether softmax takes the scaled products as they are.
  private var isPlain: Bool { cap <= 0 && !isCausal && window == nil && keyLengths == nil && bias.isEmpty }

  /// y [b, h, s, e] from q [b, h, s, d], k [b, g, t, d] and v [b, g, t, e], all row-major.
  package func attend(
    _ q: [Double], _ k: [Double], _ v: [Double], depth: Int, valueDepth: Int, kernels: (any ComputeKernels)? = nil
  ) -> [Double] {
    if let kernels, sinks == nil { return attend(q.map(Float.init), k.map(Float.init), v.map(Float.init), (depth, valueDepth), kernels) }
    let factor = scale ?? 1 / Double(max(1, depth)).squareRoot()
    var y = [Double](repeating: 0, count: batch * heads * queries * valueDepth)
    var row = [Double](repeating: 0, count: keys)
    for image in 0..<batch {
      for head in 0..<heads {
        let shared = (image * keyHeads + head * keyHeads / heads) * keys
        for query in 0..<queries {
          let line = (image * heads + head) * queries + query
          for key in 0..<keys {
            var sum = 0.0
            for index in 0..<depth { sum += q[line * depth + index] * k[(shared + key) * depth + index] }
            row[key] = sum * factor
          }
          mask(&row, image: image, head: head, query: query)
          let sink = sink(image: image, head: head, query: query)
          let largest = max(row.max() ?? 0, sink ?? -.infinity)
          // A query that sees no key gives zeros.
          guard largest > -.infinity else { continue }
          var sum = sink.map { Foundation.exp($0 - largest) } ?? 0
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
  /// The same in single precision through lent kernels, all heads at once.
  private func attend(
    _ q: [Float], _ k: [Float], _ v: [Float], _ depth: (key: Int, value: Int), _ kernels: any ComputeKernels
  ) -> [Double] {
    let factor = scale ?? 1 / Double(max(1, depth.key)).squareRoot()
    let shared = (0..<batch * heads).map { ($0 / heads * keyHeads + $0 % heads * keyHeads / heads) * keys }
    let products = MatrixProblem(
      m: queries, n: keys, k: depth.key, transposesB: true,
      offsets: shared.enumerated().map { ($0 * queries * depth.key, $1 * depth.key) })
    var weights = kernels.multiply(products, q, k)
    var empty: [Int] = []
    if isPlain {
      let scale = Float(factor)
      for index in weights.indices { weights[index] *= scale }
    } else {
      var row = [Double](repeating: 0, count: keys)
      for line in 0..<batch * heads * queries {
        for key in 0..<keys { row[key] = Double(weights[line * keys + key]) * factor }
        mask(&row, image: line / queries / heads, head: line / queries % heads, query: line % queries)
        // A query that sees no key gives zeros.
        if !row.contains(where: { $0 != -.infinity }) { empty.append(line) }
        for key in 0..<keys { weights[line * keys + key] = Float(row[key]) }
      }
    }
    weights = kernels.softmax(weights, columns: keys)
    for line in empty { for index in line * keys..<(line + 1) * keys { weights[index] = 0 } }
    let sums = MatrixProblem(
      m: queries, n: depth.value, k: keys, offsets: shared.enumerated().map { ($0 * queries * keys, $1 * depth.value) })
    return kernels.multiply(sums, weights, v).map(Double.init)
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
