package import IR

/// The largest element of every cell of regions of interest (MaxRoiPool).
///
/// Inputs: x [n, c, h, w], regions [r, 5] as image, x1, y1, x2, y2. Output: [r, c, oh, ow].
package struct RegionMaxPool: ONNXOperator {
  package static let name = "region-max-pool"

  package var height: Int
  package var width: Int
  package var scale: Float

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let regions = try context.tensor(1)
    guard x.rank == 4, regions.rank == 2, (1..<1 << 20).contains(height), (1..<1 << 20).contains(width) else {
      throw OperatorError("ranks-match", "an image [n, c, h, w], regions [r, 5] and a positive size are needed")
    }
    return [.tensor(TensorType(x.element, [regions.shape[0], x.shape[1], .constant(height), .constant(width)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let rows = try operands.output().count
    let regions = max(1, try operands.shape(ofInput: 1)[0])
    // On average a region is taken to cover its image.
    return .reduction(
      Reduction(
        kind: .maximum, rows: rows, columns: max(1, try operands.input(0).count / max(1, rows / regions)),
        inputs: try operands.presentInputs(), outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let regions = try inputs.tensor(1)
    guard x.rank == 4, regions.rank == 2, regions.shape[1] == 5 else { throw OperatorError("regions-fit", "the regions must be [r, 5]") }
    let (values, boxes) = (try x.doubles(), try regions.doubles())
    let (h, w) = (x.shape[2], x.shape[3])
    var y: [Double] = []
    for region in 0..<regions.shape[0] {
      let image = Int(boxes[region * 5].clampedInt64)
      guard image >= 0, image < x.shape[0] else { throw OperatorError("regions-fit", "a region names image \(image)") }
      let box = boxes[(region * 5 + 1)..<(region * 5 + 5)].map { Int(min(max($0 * Double(scale), -1e9), 1e9).rounded().clampedInt64) }
      let rows = cells(from: box[1], to: box[3], count: height, limit: h)
      let columns = cells(from: box[0], to: box[2], count: width, limit: w)
      for channel in 0..<x.shape[1] {
        let start = (image * x.shape[1] + channel) * h * w
        for row in rows {
          for column in columns {
            var largest: Double?
            for r in row { for c in column { largest = max(largest ?? -.infinity, values[start + r * w + c]) } }
            y.append(largest ?? 0)
          }
        }
      }
    }
    return [.tensor(Tensor(x.element, [regions.shape[0], x.shape[1], height, width], rounding: y))]
  }

  private func cells(from first: Int, to last: Int, count: Int, limit: Int) -> [Range<Int>] {
    let size = Double(max(last - first + 1, 1)) / Double(count)
    return (0..<count).map { cell in
      let begin = min(max(first + Int((Double(cell) * size).rounded(.down)), 0), limit)
      let end = min(max(first + Int((Double(cell + 1) * size).rounded(.up)), 0), limit)
      return begin..<max(begin, end)
    }
  }

  package static var onnxNames: [ONNXName] { ["MaxRoiPool"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RegionMaxPool {
    guard let size = try node.integers("pooled_shape"), size.count == 2 else {
      throw OperatorError("missing-attribute", "MaxRoiPool needs two numbers in 'pooled_shape'")
    }
    return RegionMaxPool(height: size[0], width: size[1], scale: try node.float("spatial_scale") ?? 1)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("MaxRoiPool", [("pooled_shape", .integers([height, width])), ("spatial_scale", .float(scale))])
  }
}
