/// Blocks of keys that one tile of queries visits, by the masking they need.
struct KeyBlocks {
  var all = 0
  /// Blocks that the causal diagonal or the end of the keys crosses.
  var diagonal = 0
  /// Blocks that the far edge of a sliding window crosses.
  var edge = 0

  /// Counts for queries `first ..< first + rows` of `shape` in steps of `step` keys.
  ///
  /// With d = keys - queries, query i sees keys max(0, i + d - window + 1) … i + d; blocks outside are skipped.
  init(_ shape: AttentionShape, first: Int, rows: Int, step: Int) {
    let offset = shape.keys - shape.queries
    let last = min(first + rows, shape.queries)
    let high = shape.isCausal ? min(shape.keys, max(0, offset + last)) : shape.keys
    let low = shape.window.map { max(0, offset + first - $0 + 1) } ?? 0
    let start = low / step
    let end = (high + step - 1) / step
    all = max(0, end - start)
    let crossing = shape.isCausal ? end - max(0, offset + first + 1) / step : (shape.keys % step == 0 ? 0 : 1)
    diagonal = min(max(0, crossing), all)
    if let window = shape.window {
      let hidden = max(0, offset + last - window)
      edge = hidden > 0 ? min(max(0, (hidden + step - 1) / step - start), all) : 0
    }
  }
}
