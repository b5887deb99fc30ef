package import IR

/// Adds sliding blocks back to an image: the inverse of unfolding a convolution's windows.
///
/// Inputs: blocks [n, c·taps, positions], image shape, block shape. Output: [n, c, spatial…].
package struct ColumnsToImage: ONNXOperator {
  package static let name = "columns-to-image"

  package var strides: [Int]
  package var dilations: [Int]
  package var pads: [Int]

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 3 else { throw OperatorError("ranks-match", "blocks must be [n, c·taps, positions], not \(x.shape.text)") }
    guard let image = try context.extents(1) else { return [.unranked(x.element)] }
    let channels = context.known(2).map { block in x.shape[1].floorDivided(by: block.reduce(1) { $0 * $1 }) }
    return [.tensor(TensorType(x.element, [x.shape[0], channels ?? context.freshDimension("channels")] + image))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let blocks = try operands.input(0)
    let rows = try operands.output().count
    return .reduction(
      Reduction(
        kind: .sum, rows: rows, columns: max(1, blocks.count / max(1, rows)), inputs: [blocks], outputs: [try operands.output()],
        costPerElement: ArithmeticCost(simple: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let image = try inputs.integers(1)
    let block = try inputs.integers(2)
    let axes = image.count
    let strides = strides.isEmpty ? Array(repeating: 1, count: axes) : strides
    let dilations = dilations.isEmpty ? Array(repeating: 1, count: axes) : dilations
    let pads = pads.isEmpty ? Array(repeating: 0, count: 2 * axes) : pads
    guard x.rank == 3, block.count == axes, strides.count == axes, dilations.count == axes, pads.count == 2 * axes,
      (block + strides + dilations).allSatisfy({ $0 > 0 }), let plane = image.checkedProduct, let taps = block.checkedProduct,
      x.shape[1] % taps == 0
    else { throw OperatorError("window-rank", "block, strides, dilations and pads do not fit an image of \(axes) axes") }
    try WindowAxis.check(axes, steps: [block, strides, dilations], pads: pads)
    let output = (0..<axes).map { axis in
      WindowAxis(
        taps: .constant(block[axis]), stride: strides[axis], dilation: dilations[axis], pads: (pads[axis], pads[axes + axis]),
        padding: .explicit
      ).output(.constant(image[axis])).constant ?? 0
    }
    let positions = output.reduce(1, *)
    guard positions == x.shape[2] else {
      throw OperatorError("block-count", "\(x.shape[2]) blocks do not cover the image, which has \(positions)")
    }
    let channels = x.shape[1] / taps
    let window = SlidingWindow(
      Convolution(
        images: 1, inputChannels: 1, outputChannels: 1, groups: 1, input: image, output: output, kernel: block,
        strides: strides, dilations: dilations, padsBegin: Array(pads[..<axes]), padsEnd: Array(pads[axes...])))
    _ = try ([x.shape[0], channels] + image).evaluableCount()
    let values = try x.doubles()
    var y = [Double](repeating: 0, count: x.shape[0] * channels * plane)
    for tap in 0..<taps {
      for position in 0..<positions {
        let target = window.inputOffset(output: position, tap: tap)
        guard target >= 0 else { continue }
        for line in 0..<(x.shape[0] * channels) { y[line * plane + target] += values[(line * taps + tap) * positions + position] }
      }
    }
    return [.tensor(Tensor(x.element, [x.shape[0], channels] + image, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["Col2Im"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ColumnsToImage {
    ColumnsToImage(
      strides: try node.integers("strides") ?? [], dilations: try node.integers("dilations") ?? [],
      pads: try node.integers("pads") ?? [])
  }

  package func exportONNX() -> ONNXSpelling {
    let lists = [("strides", strides), ("dilations", dilations), ("pads", pads)]
    return ONNXSpelling("Col2Im", lists.filter { !$0.1.isEmpty }.map { (name: $0.0, value: .integers($0.1)) })
  }
}
