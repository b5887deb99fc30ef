package import IR

/// Activations of several attention heads, [b, h, s, d] row-major, however they were packed.
package struct HeadTensor {
  package var batch: Int
  package var heads: Int
  package var length: Int
  package var depth: Int
  package var values: [Double]

  package init(batch: Int, heads: Int, length: Int, depth: Int, values: [Double]) {
    self.batch = batch
    self.heads = heads
    self.length = length
    self.depth = depth
    self.values = values
  }

  /// Heads from rows [b, s, width]: `heads × depth` features from `start` on.
  package init(rows: [Double], batch: Int, length: Int, width: Int, start: Int = 0, heads: Int, depth: Int) {
    self.init(batch: batch, heads: heads, length: length, depth: depth, values: [])
    values.reserveCapacity(batch * heads * length * depth)
    for image in 0..<batch {
      for head in 0..<heads {
        for step in 0..<length {
          let first = (image * length + step) * width + start + head * depth
          values += rows[first..<(first + depth)]
        }
      }
    }
  }

  /// The same numbers as rows [b, s, h·d].
  package var rows: [Double] {
    var result = [Double](repeating: 0, count: values.count)
    for image in 0..<batch {
      for head in 0..<heads {
        for step in 0..<length {
          let source = ((image * heads + head) * length + step) * depth
          let target = ((image * length + step) * heads + head) * depth
          for index in 0..<depth { result[target + index] = values[source + index] }
        }
      }
    }
    return result
  }

  package var shape: [Int] { [batch, heads, length, depth] }

  /// Another tensor's steps after these (a cache extended by new keys).
  package func appending(_ other: HeadTensor) -> HeadTensor {
    guard length > 0 else { return other }
    var result = HeadTensor(batch: batch, heads: heads, length: length + other.length, depth: depth, values: [])
    result.values.reserveCapacity(values.count + other.values.count)
    for line in 0..<(batch * heads) {
      result.values += values[(line * length * depth)..<((line + 1) * length * depth)]
      result.values += other.values[(line * other.length * depth)..<((line + 1) * other.length * depth)]
    }
    return result
  }
}

extension HeadTensor {
  /// A tensor that is already [b, h, s, d].
  package init(_ tensor: Tensor) throws(OperatorError) {
    guard tensor.rank == 4 else { throw OperatorError("ranks-match", "a cache must be [batch, heads, length, depth], not \(tensor.shape)") }
    self.init(
      batch: tensor.shape[0], heads: tensor.shape[1], length: tensor.shape[2], depth: tensor.shape[3], values: try tensor.doubles())
  }
}
