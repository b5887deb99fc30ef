internal import Basic
internal import IR
internal import Ops

/// Merges chains of casts whose first step loses nothing: cast(cast(x : f16 → f32) → f16) is x, i32 → i64 → f32 is i32 → f32.
let mergeCasts = GraphPass(
  "merge-casts", "A cast after a cast that lost nothing reads the source; a round trip vanishes.", preserves: .bitExact
) { rewriter, context throws(Failure) in
  for id in rewriter.executionOrder(of: [Cast.self]) {
    guard let outer = rewriter.graph[id].operation as? Cast, let middle = rewriter.graph[id].inputs[0],
      let (producer, _) = rewriter.graph.producer(middle, as: Cast.self), let source = rewriter.graph[producer].inputs[0],
      let from = rewriter.graph.tensorType(source)?.element, let through = rewriter.graph.tensorType(middle)?.element,
      through.holdsEvery(from), rewriter.graph.tensorType(middle)?.encoding == .dense
    else { continue }
    if outer.to == from {
      rewriter.replaceUses(of: rewriter.graph[id].outputs[0], with: source)
      rewriter.erase(id, reason: "casts forth and back")
    } else {
      rewriter.setInput(0, of: id, to: source)
    }
    if rewriter.isDead(middle) { rewriter.erase(producer, reason: "merged into the cast after it") }
    context.count("cast")
  }
}

extension ElementType {
  /// Every number of another type is one of this type.
  fileprivate func holdsEvery(_ other: ElementType) -> Bool {
    switch (other, self) {
    case (let a, let b) where a == b: true
    case (.float16, .float32), (.float16, .float64), (.bfloat16, .float32), (.bfloat16, .float64), (.float32, .float64): true
    case (.int8, .int16), (.int8, .int32), (.int8, .int64), (.int16, .int32), (.int16, .int64), (.int32, .int64): true
    case (.uint8, .uint16), (.uint8, .uint32), (.uint8, .int16), (.uint8, .int32), (.uint8, .int64), (.uint16, .int32),
      (.uint16, .int64), (.uint32, .int64):
      true
    case (.bool, .uint8), (.bool, .int32), (.bool, .int64): true
    default: false
    }
  }
}
