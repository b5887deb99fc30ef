package import IR

/// Keeps the best boxes per image and class that overlap no better one by more than a threshold.
///
/// Inputs: boxes [n, b, 4], scores [n, classes, b], optional limit per class, overlap threshold and score threshold.
/// Output: int64 [selected, 3]: image, class, box.
package struct NonMaxSuppression: ONNXOperator {
  package static let name = "non-max-suppression"

  /// Boxes are centre and size, not two corners.
  package var usesCentres: Bool

  package init(usesCentres: Bool = false) { self.usesCentres = usesCentres }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let boxes = try context.tensor(0)
    let scores = try context.tensor(1)
    guard boxes.rank == 3, scores.rank == 3 else { throw OperatorError("ranks-match", "boxes and scores must have three axes") }
    return [.tensor(TensorType(.int64, [context.freshDimension("selected"), 3]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let scores = try operands.shape(ofInput: 1)
    return .reduction(
      Reduction(
        kind: .sort, rows: scores[0] * scores[1], columns: scores[2], inputs: [try operands.input(0), try operands.input(1)],
        outputs: [Operand(element: .int64, count: 3 * scores[0] * scores[1])], costPerElement: ArithmeticCost(simple: 16, special: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let boxes = try inputs.tensor(0)
    let scores = try inputs.tensor(1)
    let limit = Int(try inputs.optionalTensor(2)?.integers().first ?? 0)
    let overlap = Double(try inputs.optionalTensor(3)?.floats().first ?? 0)
    let threshold = try inputs.optionalTensor(4)?.doubles().first
    guard boxes.rank == 3, scores.rank == 3, boxes.shape[2] == 4, boxes.shape[1] == scores.shape[2], boxes.shape[0] == scores.shape[0]
    else {
      throw OperatorError("shapes-match", "boxes \(boxes.shape) and scores \(scores.shape) do not fit")
    }
    let count = boxes.shape[1]
    let corners = try corners(boxes.doubles())
    let values = try scores.doubles()
    var selected: [Int64] = []
    for image in 0..<scores.shape[0] {
      for label in 0..<scores.shape[1] {
        let start = (image * scores.shape[1] + label) * count
        let order = (0..<count).filter { box in threshold.map { values[start + box] > $0 } ?? true }
          .sorted { values[start + $0] == values[start + $1] ? $0 < $1 : values[start + $0] > values[start + $1] }
        var kept: [Int] = []
        for box in order where kept.count < limit {
          let isFree = kept.allSatisfy { ratio(corners, image * count + $0, image * count + box) <= overlap }
          if isFree { kept.append(box) }
        }
        for box in kept { selected += [Int64(image), Int64(label), Int64(box)] }
      }
    }
    return [.tensor(Tensor([selected.count / 3, 3], integers: selected))]
  }

  /// Every box as y1, x1, y2, x2 with y1 ≤ y2 and x1 ≤ x2.
  private func corners(_ boxes: [Double]) -> [Double] {
    var result = boxes
    for start in stride(from: 0, to: boxes.count, by: 4) {
      let (a, b, c, d) = (boxes[start], boxes[start + 1], boxes[start + 2], boxes[start + 3])
      let box = usesCentres ? [b - d / 2, a - c / 2, b + d / 2, a + c / 2] : [min(a, c), min(b, d), max(a, c), max(b, d)]
      result.replaceSubrange(start..<(start + 4), with: box)
    }
    return result
  }

  /// Intersection over union.
  private func ratio(_ boxes: [Double], _ a: Int, _ b: Int) -> Double {
    func at(_ box: Int, _ side: Int) -> Double { boxes[box * 4 + side] }
    let height = min(at(a, 2), at(b, 2)) - max(at(a, 0), at(b, 0))
    let width = min(at(a, 3), at(b, 3)) - max(at(a, 1), at(b, 1))
    guard height > 0, width > 0 else { return 0 }
    func area(_ box: Int) -> Double { (at(box, 2) - at(box, 0)) * (at(box, 3) - at(box, 1)) }
    return height * width / (area(a) + area(b) - height * width)
  }

  package static var onnxNames: [ONNXName] { ["NonMaxSuppression"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> NonMaxSuppression {
    NonMaxSuppression(usesCentres: try node.integer("center_point_box") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("NonMaxSuppression", [("center_point_box", .integer(usesCentres ? 1 : 0))])
  }
}
