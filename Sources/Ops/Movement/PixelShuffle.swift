package import IR

/// Blocks of b × b between channels and space: [n, c·b², h, w] ↔ [n, c, h·b, w·b], or with channels last.
package struct PixelShuffle: ONNXOperator, ImageOperator {
  package static let name = "pixel-shuffle"

  package enum Direction: String, Codable, Sendable, Hashable, CaseIterable {
    /// Channels to space; the block position is the slower part of the channel index.
    case depthFirst = "depth-to-space"
    /// Channels to space; the block position is the faster part of the channel index.
    case columnFirst = "depth-to-space-crd"
    /// Space to channels, block position slower.
    case spaceToDepth = "space-to-depth"
  }

  package var direction: Direction
  package var block: Int
  /// Nil: channels first.
  package var layout: ImageLayout?

  package init(_ direction: Direction, block: Int, layout: ImageLayout? = nil) {
    self.direction = direction
    self.block = block
    self.layout = layout
  }

  private var order: ImageLayout { layout ?? .channelsFirst }
  var imageInputs: Range<Int> { 0..<1 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = order.first(try context.tensor(0))
    guard x.rank == 4, block > 0, block < 1 << 20 else {
      throw OperatorError(
        "image-expected", "\(x.shape.text) is not [n, c, h, w], or the block \(block) is not positive")
    }
    let divided = direction == .spaceToDepth ? [x.shape[2], x.shape[3]] : [x.shape[1]]
    let by = direction == .spaceToDepth ? block : block * block
    guard divided.allSatisfy({ ($0.constant ?? 0) % by == 0 }) else {
      throw OperatorError("block-divides", "\(x.shape.text) does not divide into blocks of \(block) × \(block)")
    }
    let b = Dimension.constant(block)
    let shape =
      direction == .spaceToDepth
      ? [x.shape[0], x.shape[1] * b * b, x.shape[2].floorDivided(by: b), x.shape[3].floorDivided(by: b)]
      : [x.shape[0], x.shape[1].floorDivided(by: b * b), x.shape[2] * b, x.shape[3] * b]
    return [.tensor(TensorType(x.element, order.restored(shape)))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.movement(block == 1 ? .view : .transpose)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    if let y = try evaluatedChannelsFirst(inputs, context) { return y }
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    let (n, c, h, w, b) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3], block)
    let split: [Int]
    let order: [Int]
    switch direction {
    case .depthFirst: (split, order) = ([n, b, b, c / (b * b), h, w], [0, 3, 4, 1, 5, 2])
    case .columnFirst: (split, order) = ([n, c / (b * b), b, b, h, w], [0, 1, 4, 2, 5, 3])
    case .spaceToDepth: (split, order) = ([n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4])
    }
    let strides = split.rowMajorStrides
    return [
      .tensor(x.rearranged(shape, StridedView(shape: order.map { split[$0] }, strides: order.map { strides[$0] })))
    ]
  }

  package static var onnxNames: [ONNXName] { ["DepthToSpace", "SpaceToDepth"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> PixelShuffle {
    guard let block = try node.integer("blocksize") else {
      throw OperatorError("missing-attribute", "the attribute 'blocksize' is missing")
    }
    if node.name.type == "SpaceToDepth" { return PixelShuffle(.spaceToDepth, block: block) }
    return PixelShuffle(try node.string("mode") == "CRD" ? .columnFirst : .depthFirst, block: block)
  }

  package func exportONNX() -> ONNXSpelling {
    switch direction {
    case .spaceToDepth: ONNXSpelling("SpaceToDepth", [("blocksize", .integer(block))])
    case .depthFirst: ONNXSpelling("DepthToSpace", [("blocksize", .integer(block)), ("mode", .string("DCR"))])
    case .columnFirst: ONNXSpelling("DepthToSpace", [("blocksize", .integer(block)), ("mode", .string("CRD"))])
    }
  }
}
