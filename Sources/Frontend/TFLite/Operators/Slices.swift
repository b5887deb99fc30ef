internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Operators that take parts of a tensor or put something around it.
  static let slices: [TFLiteMapping] = [
    TFLiteMapping(45, "STRIDED_SLICE") { (node) throws(Failure) in
      try node.moved(0..<1) { (x) throws(Failure) in
        try node.knownIntegers(1) == nil ? try node.pickedSlice(x[0]) : try node.stridedSlice(x[0])
      }
    },
    TFLiteMapping(65, "SLICE") { (node) throws(Failure) in
      let (begins, sizes) = (try node.integers(1), try node.integers(2))
      guard begins.count == sizes.count else { throw node.failure("begins and sizes differ in number") }
      let ends = zip(begins, sizes).map { $1 == -1 ? Int(Int32.max) : $0 + $1 }
      return try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(Slice(), [x[0], node.constant(begins), node.constant(ends), node.constant(Array(begins.indices))])
      }
    },
    TFLiteMapping(
      49, "SPLIT",
      results: { (node) throws(Failure) in
        // The axis comes first.
        try node.addAll(
          Split(axis: try node.integer(0), parts: node.outputCount), [try node.stored(1)], outputs: node.outputCount)
      }),
    TFLiteMapping(
      102, "SPLIT_V",
      results: { (node) throws(Failure) in
        let axis = try node.integer(2)
        var extents = try node.integers(1)
        // One extent may take what is left.
        if let open = extents.firstIndex(of: -1) {
          let shape = try node.shape(try node.stored(0))
          let position = axis < 0 ? axis + shape.count : axis
          guard shape.indices.contains(position) else { throw node.failure("axis \(axis) does not exist in \(shape)") }
          extents[open] = shape[position] - extents.reduce(1, +)
        }
        return try node.addAll(
          Split(axis: axis), [try node.stored(0), node.constant(extents)], outputs: node.outputCount)
      }),
    TFLiteMapping(34, "PAD") { (node) throws(Failure) in
      let counts = try node.pads()
      return try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(Pad(.constant), [x[0], node.constant(counts), try node.zeroPoint()])
      }
    },
    TFLiteMapping(60, "PADV2") { (node) throws(Failure) in
      let counts = try node.pads()
      return try node.add(Pad(.constant), [try node.stored(0), node.constant(counts), try node.stored(2)])
    },
    TFLiteMapping(100, "MIRROR_PAD") { (node) throws(Failure) in
      let counts = try node.pads()
      let repeatsEdge = try node.code(0) == 1
      return try node.moved(0..<1) { (x) throws(Failure) in
        guard repeatsEdge else { return try node.add(Pad(.reflect), [x[0], node.constant(counts)]) }
        return try node.mirrored(x[0], counts)
      }
    },
  ]
}

extension TFLiteNode {
  /// Pairs per axis as begins, then ends.
  fileprivate func pads() throws(Failure) -> [Int] {
    let pairs = try integers(1)
    guard pairs.count % 2 == 0 else { throw failure("\(pairs.count) pads are no pairs") }
    return stride(from: 0, to: pairs.count, by: 2).map { pairs[$0] } + stride(from: 1, to: pairs.count, by: 2).map { pairs[$0] }
  }

  /// Reflection that repeats the edge: positions −1, −2 … are elements 0, 1 …
  fileprivate func mirrored(_ x: ValueID, _ counts: [Int]) throws(Failure) -> ValueID {
    let shape = try shape(x)
    var y = x
    for (axis, extent) in shape.enumerated() where counts.count == 2 * shape.count {
      let (begin, end) = (counts[axis], counts[axis + shape.count])
      guard (0...extent).contains(begin), (0...extent).contains(end) else {
        throw failure("pads of \(begin) and \(end) are more than axis \(axis) of \(shape) has")
      }
      guard begin + end > 0 else { continue }
      let positions = (0..<begin).reversed() + Array(0..<extent) + (0..<end).map { extent - 1 - $0 }
      y = try add(Gather(axis: axis), [y, constant(positions)], "axis\(axis)")
    }
    return y == x ? try add(Identity(), [x]) : y
  }

  /// Ranges with masks: of begins and ends that mean the whole axis, of axes left out, added, or reduced to one element.
  fileprivate func stridedSlice(_ x: ValueID) throws(Failure) -> ValueID {
    let (begins, ends, steps) = (try integers(1), try integers(2), try integers(3))
    let rank = try tensorType(x).rank
    guard begins.count == ends.count, begins.count == steps.count, begins.count < 32, steps.allSatisfy({ $0 != 0 }) else {
      throw failure("begins, ends and steps do not fit one another")
    }
    let masks = StridedSliceMasks(
      begin: try option(0), end: try option(1), ellipsis: try option(2), newAxis: try option(3), shrink: try option(4))
    let isOffset = try flag(5)
    var ranges: [(axis: Int, start: Int, end: Int, step: Int)] = []
    var (dropped, added): ([Int], [Int]) = ([], [])
    var (axis, position) = (0, 0)
    for index in begins.indices {
      if masks.ellipsis >> index & 1 == 1 {
        let rest = (index + 1..<begins.count).count { masks.newAxis >> $0 & 1 == 0 }
        let skipped = max(0, rank - axis - rest)
        (axis, position) = (axis + skipped, position + skipped)
      } else if masks.newAxis >> index & 1 == 1 {
        added.append(position)
        position += 1
      } else {
        guard axis < rank else { throw failure("\(begins.count) ranges for \(rank) axes") }
        let range = masks.range(index, begin: begins[index], end: isOffset ? begins[index] + ends[index] : ends[index], step: steps[index])
        ranges.append((axis, range.start, range.end, range.step))
        if masks.shrink >> index & 1 == 1 { dropped.append(axis) } else { position += 1 }
        axis += 1
      }
    }
    var y = try add(
      Slice(),
      [
        x, constant(ranges.map(\.start)), constant(ranges.map(\.end)), constant(ranges.map(\.axis)), constant(ranges.map(\.step)),
      ])
    if !dropped.isEmpty { y = try add(Squeeze(), [y, constant(dropped)], "dropped") }
    return added.isEmpty ? y : try add(Unsqueeze(), [y, constant(added)], "added")
  }
}

extension TFLiteNode {
  /// A slice whose begins are known at run time only, such as `x[i]`: axes that shrink to one element are gathered, all others
  /// must be whole, because the extent of anything else would not be known.
  fileprivate func pickedSlice(_ x: ValueID) throws(Failure) -> ValueID {
    let (begin, end, newAxis, shrink) = (try option(0), try option(1), try option(3), try option(4))
    guard try option(2) == 0, newAxis == 0, let count = try shape(try stored(1)).first, count <= (try tensorType(x).rank) else {
      throw failure("begins that are no constants are read without an ellipsis and new axes")
    }
    var y = x
    for axis in (0..<count).reversed() {
      if shrink >> axis & 1 == 1 {
        let number = builder.made(Constant(Tensor([], integers: [Int64(axis)])), name: "\(name)/axis\(axis)")
        let place = try add(Gather(axis: 0), [try stored(1), number], "begin\(axis)")
        y = try add(Gather(axis: axis), [y, place], "picked\(axis)")
      } else if begin >> axis & 1 == 0 || end >> axis & 1 == 0 {
        throw failure("axis \(axis): a range whose begin is no constant has no known extent")
      }
    }
    return y == x ? try add(Identity(), [x]) : y
  }
}

private struct StridedSliceMasks {
  var begin: Int
  var end: Int
  var ellipsis: Int
  var newAxis: Int
  var shrink: Int

  private static let far = Int(Int32.max)

  func range(_ index: Int, begin first: Int, end last: Int, step: Int) -> (start: Int, end: Int, step: Int) {
    if shrink >> index & 1 == 1 { return (first, first == -1 ? Self.far : first + 1, 1) }
    let start = begin >> index & 1 == 1 ? (step > 0 ? 0 : Self.far) : first
    return (start, end >> index & 1 == 1 ? (step > 0 ? Self.far : -Self.far) : last, step)
  }
}
