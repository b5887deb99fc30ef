package import IR

/// Extents of one attention and the formats its operands are stored in.
package struct AttentionShape: Sendable, Hashable {
  package var batch: Int
  package var heads: Int
  package var keyHeads: Int
  package var queries: Int
  package var keys: Int
  package var headDimension: Int
  package var valueDimension: Int
  package var isCausal: Bool
  /// Keys each query sees at most; nil without a sliding window.
  package var window: Int?
  /// Scores pass a tanh before the softmax.
  package var isCapped = false
  /// Bits of one stored query, key (and value) and result element.
  package var queryBits: Int
  package var keyBits: Int
  package var outputBits: Int

  package init(
    batch: Int, heads: Int, keyHeads: Int, queries: Int, keys: Int, headDimension: Int, valueDimension: Int? = nil,
    isCausal: Bool, window: Int? = nil, queryBits: Int = 16, keyBits: Int = 16, outputBits: Int? = nil
  ) {
    self.batch = batch
    self.heads = heads
    self.keyHeads = keyHeads
    self.queries = queries
    self.keys = keys
    self.headDimension = headDimension
    self.valueDimension = valueDimension ?? headDimension
    self.isCausal = isCausal
    self.window = window
    self.queryBits = queryBits
    self.keyBits = keyBits
    self.outputBits = outputBits ?? queryBits
  }

  package init(_ attention: Attention) {
    self.init(
      batch: attention.batch, heads: attention.heads, keyHeads: attention.keyHeads, queries: attention.queryLength,
      keys: attention.keyLength, headDimension: attention.headDimension, valueDimension: attention.valueDimension,
      isCausal: attention.isCausal, window: attention.window, queryBits: attention.query.storage.bits,
      keyBits: attention.key.storage.bits, outputBits: attention.output.storage.bits)
    isCapped = attention.isCapped
  }

  /// Query heads that share one key head.
  package var group: Int { max(1, heads / max(1, keyHeads)) }

  /// One key head whose first features are also the values, as latent attention stores them.
  package var isLatent: Bool { keyHeads == 1 && valueDimension < headDimension }

  /// Keys that the last query can see.
  package var visibleKeys: Int { min(keys, window ?? keys) }

  /// Bytes of all keys and values, each once; latent vectors are both.
  package var keyValueBytes: Double {
    let width = isLatent ? headDimension : headDimension + valueDimension
    return Double(batch * keyHeads) * Double(visibleKeys * width) * Double(keyBits) / 8
  }

  /// Bytes of queries and results.
  package var queryBytes: Double {
    Double(batch * heads) * Double(queries) * Double(headDimension * queryBits + valueDimension * outputBits) / 8
  }

  /// Query–key pairs of one head that the mathematics needs.
  package var pairsPerHead: Double {
    let widest = Double(visibleKeys)
    let count = Double(queries)
    guard isCausal else { return count * widest }
    let first = min(max(Double(keys - queries + 1), 1), widest)
    let ramp = max(0, min(count, widest - first))
    return ramp * first + ramp * max(0, ramp - 1) / 2 + (count - ramp) * widest
  }

  /// Multiply-adds of both products.
  package var multiplyAdds: Double {
    Double(batch * heads) * pairsPerHead * Double(headDimension + valueDimension)
  }
}
