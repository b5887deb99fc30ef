internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Operators that give elements other places or a tensor other axes.
  static let rearrangements: [TFLiteMapping] = [
    TFLiteMapping(22, "RESHAPE") { (node) throws(Failure) in
      let extents = try node.newShape()
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(Reshape(allowsZero: true), [x[0], extents]) }
    },
    TFLiteMapping(70, "EXPAND_DIMS") { (node) throws(Failure) in
      let axes = node.constant([try node.integer(1)])
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(Unsqueeze(), [x[0], axes]) }
    },
    TFLiteMapping(43, "SQUEEZE") { (node) throws(Failure) in
      let axes = try node.message.options?.numbers(0, as: Int32.self, "axes") ?? []
      return try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(Squeeze(), [x[0], axes.isEmpty ? nil : node.constant(axes)])
      }
    },
    TFLiteMapping(39, "TRANSPOSE") { (node) throws(Failure) in
      let order = try node.integers(1)
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(Transpose(order), x) }
    },
    TFLiteMapping(130, "BROADCAST_TO") { (node) throws(Failure) in
      let extents = try node.wide(try node.stored(1))
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(Expand(), [x[0], extents]) }
    },
    TFLiteMapping(69, "TILE") { (node) throws(Failure) in
      let repeats = try node.wide(try node.stored(1))
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(Tile(), [x[0], repeats]) }
    },
    TFLiteMapping(5, "DEPTH_TO_SPACE") { (node) throws(Failure) in try node.shuffle(.depthFirst) },
    TFLiteMapping(26, "SPACE_TO_DEPTH") { (node) throws(Failure) in try node.shuffle(.spaceToDepth) },
    TFLiteMapping(112, "REVERSE_SEQUENCE") { (node) throws(Failure) in
      let operation = ReverseSequence(batchAxis: try node.option(1), timeAxis: try node.option(0))
      let lengths = try node.wide(try node.stored(1))
      return try node.moved(0..<1) { (x) throws(Failure) in try node.add(operation, [x[0], lengths]) }
    },
    TFLiteMapping(105, "REVERSE_V2") { (node) throws(Failure) in
      let axes = try node.integers(1)
      return try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(
          Slice(),
          [
            x[0], node.constant(axes.map { _ in -1 }), node.constant(axes.map { _ in Int(Int32.min) }), node.constant(axes),
            node.constant(axes.map { _ in -1 }),
          ])
      }
    },
    TFLiteMapping(2, "CONCATENATION") { (node) throws(Failure) in try node.concatenation() },
    TFLiteMapping(83, "PACK") { (node) throws(Failure) in
      let axis = try node.option(1)
      let added = node.constant([axis])
      return try node.moved(0..<node.inputCount) { (parts) throws(Failure) in
        var operands: [ValueID] = []
        for (index, part) in parts.enumerated() { operands.append(try node.add(Unsqueeze(), [part, added], "part\(index)")) }
        return try node.add(Concatenate(axis: axis), operands)
      }
    },
    TFLiteMapping(
      88, "UNPACK",
      results: { (node) throws(Failure) in
        let axis = try node.option(1)
        let parts = try node.addAll(
          Split(axis: axis, parts: node.outputCount), [try node.stored(0)], outputs: node.outputCount)
        var results: [ValueID] = []
        for (index, part) in parts.enumerated() {
          results.append(try node.add(Squeeze(), [part, node.constant([axis])], "part\(index)"))
        }
        return results
      }),
    TFLiteMapping(38, "SPACE_TO_BATCH_ND") { (node) throws(Failure) in try node.spaceToBatch() },
    TFLiteMapping(37, "BATCH_TO_SPACE_ND") { (node) throws(Failure) in try node.batchToSpace() },
    TFLiteMapping(77, "SHAPE") { (node) throws(Failure) in try node.narrowed(try node.add(ShapeOf(), [try node.stored(0)])) },
    TFLiteMapping(110, "RANK") { (node) throws(Failure) in
      let rank = try node.tensorType(try node.stored(0)).rank
      return try node.add(Identity(), [node.scalar(Double(rank), .int32)])
    },
    TFLiteMapping(94, "FILL") { (node) throws(Failure) in
      try node.moved(1..<2) { (value) throws(Failure) in try node.add(Expand(), [value[0], try node.wide(try node.stored(0))]) }
    },
    TFLiteMapping(96, "RANGE") { (node) throws(Failure) in
      try node.add(NumberRange(), [try node.stored(0), try node.stored(1), try node.stored(2)])
    },
    TFLiteMapping(122, "SCATTER_ND") { (node) throws(Failure) in
      let zero = node.scalar(0, try node.tensorType(try node.stored(1)).element)
      let base = try node.add(Expand(), [zero, try node.wide(try node.stored(2))], "zeros")
      return try node.add(ScatterND(reduction: .add), [base, try node.wide(try node.stored(0)), try node.stored(1)])
    },
  ]
}

extension TFLiteNode {
  /// The new extents of a reshape: an operand, an option, or what the file declares of the result.
  fileprivate func newShape() throws(Failure) -> ValueID {
    if has(1) {
      if let known = try knownIntegers(1) { return constant(known) }
      return try wide(try stored(1))
    }
    if let extents = try message.options?.numbers(0, as: Int32.self, "a new shape") { return constant(extents) }
    return constant(try result().shape)
  }

  fileprivate func shuffle(_ direction: PixelShuffle.Direction) throws(Failure) -> ValueID {
    let operation = PixelShuffle(direction, block: try option(0), layout: .channelsLast)
    return try moved(0..<1) { (x) throws(Failure) in try add(operation, x) }
  }

  /// Parts of other scales than the result's are scaled first, each by itself.
  fileprivate func concatenation() throws(Failure) -> ValueID {
    let wanted = try quantization(of: result())
    var parts: [ValueID] = []
    for index in 0..<inputCount {
      let part = try quantization(of: tensor(index)) == wanted ? try stored(index) : try store(try real(index))
      parts.append(part)
    }
    let joined = try add(Concatenate(axis: try option(0)), parts)
    guard try !isImplied(try code(1)) else { return joined }
    guard wanted == nil else { throw failure("an activation on stored numbers is not read") }
    return try activated(joined, try code(1))
  }

  /// Blocks of space to the batch: [n, h·b, w·c, d] to [b·c·n, h, w, d], after padding.
  fileprivate func spaceToBatch() throws(Failure) -> ValueID {
    let (blocks, pads) = (try integers(1), try integers(2))
    guard pads.count == 2 * blocks.count, blocks.allSatisfy({ $0 > 0 }) else { throw failure("blocks and pads do not fit") }
    return try moved(0..<1) { (x) throws(Failure) in
      let begins = blocks.indices.map { pads[2 * $0] }
      let ends = blocks.indices.map { pads[2 * $0 + 1] }
      let padded = try add(
        Pad(.constant), [x[0], constant(begins + ends), try zeroPoint(), constant(blocks.indices.map { $0 + 1 })], "padded")
      let shape = try shape(padded)
      guard shape.count > blocks.count else { throw failure("\(blocks.count) blocks for \(shape.count) axes") }
      var split = [shape[0]]
      for (block, extent) in zip(blocks, shape.dropFirst()) { split += [extent / block, block] }
      let rest = Array(shape[(1 + blocks.count)...])
      let parts = try add(Reshape(), [padded, constant(split + rest)], "split")
      let order =
        blocks.indices.map { 2 * $0 + 2 } + [0] + blocks.indices.map { 2 * $0 + 1 }
        + rest.indices.map { 1 + 2 * blocks.count + $0 }
      let turned = try add(Transpose(order), [parts])
      let target = [shape[0] * blocks.reduce(1, *)] + zip(blocks, shape.dropFirst()).map { $1 / $0 } + rest
      return try add(Reshape(), [turned, constant(target)], "joined")
    }
  }

  /// The inverse, cropped.
  fileprivate func batchToSpace() throws(Failure) -> ValueID {
    let (blocks, crops) = (try integers(1), try integers(2))
    let total = blocks.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard crops.count == 2 * blocks.count, blocks.allSatisfy({ $0 > 0 && $0 < 1 << 20 }), total > 0 else {
      throw failure("blocks and crops do not fit")
    }
    return try moved(0..<1) { (x) throws(Failure) in
      let shape = try shape(x[0])
      guard shape.count > blocks.count, shape[0] % total == 0 else { throw failure("\(blocks) do not divide the batch of \(shape)") }
      let batch = shape[0] / total
      let rest = Array(shape[(1 + blocks.count)...])
      let inner = Array(shape[1..<(1 + blocks.count)])
      let parts = try add(Reshape(), [x[0], constant(blocks + [batch] + inner + rest)], "split")
      var order = [blocks.count]
      for axis in blocks.indices { order += [blocks.count + 1 + axis, axis] }
      order += rest.indices.map { 1 + 2 * blocks.count + $0 }
      let turned = try add(Transpose(order), [parts])
      let joined = zip(inner, blocks).map { $0 * $1 }
      let whole = try add(Reshape(), [turned, constant([batch] + joined + rest)], "joined")
      guard crops.contains(where: { $0 != 0 }) else { return whole }
      let ends = blocks.indices.map { joined[$0] - crops[2 * $0 + 1] }
      return try add(
        Slice(),
        [whole, constant(blocks.indices.map { crops[2 * $0] }), constant(ends), constant(blocks.indices.map { $0 + 1 })], "cropped")
    }
  }

  /// The stored number that stands for zero in the first operand.
  func zeroPoint() throws(Failure) -> ValueID {
    let tensor = try tensor(0)
    return scalar(Double(try quantization(of: tensor)?.zeroPoints.first ?? 0), tensor.element ?? .float32)
  }
}
