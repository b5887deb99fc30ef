package import IR
internal import Foundation

/// Class numbers drawn with unnormalised log probabilities: x [batch, classes] gives [batch, sampleCount].
package struct Multinomial: ONNXOperator {
  package static let name = "multinomial"

  package var sampleCount: Int
  package var element: ElementType
  package var seed: Float?

  package init(sampleCount: Int = 1, element: ElementType = .int32, seed: Float? = nil) {
    self.sampleCount = sampleCount
    self.element = element
    self.seed = seed
  }

  package var isNondeterministic: Bool { true }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 2, sampleCount >= 0 else {
      throw OperatorError("matrix-expected", "log probabilities \(x.shape.text) are not a matrix")
    }
    return [.tensor(TensorType(element, [x.shape[0], .constant(sampleCount)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    let shape = try operands.shape(ofInput: 0)
    return .reduction(
      Reduction(
        kind: .scan, rows: shape[0], columns: shape[1], inputs: [x], outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: 1 + sampleCount, special: 1)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    let classes = x.shape[1]
    let logarithms = try x.doubles()
    var generator = SeededGenerator(seed: seed.map { UInt64($0.bitPattern) } ?? context.seed)
    var values: [Int64] = []
    for row in 0..<shape[0] {
      let part = logarithms[row * classes..<(row + 1) * classes]
      let largest = part.max() ?? 0
      var total = 0.0
      let cumulative = part.map { value in
        total += exp(value - largest)
        return total
      }
      for _ in 0..<sampleCount {
        let draw = generator.uniform() * total
        values.append(Int64(cumulative.firstIndex { $0 > draw } ?? classes - 1))
      }
    }
    return [.tensor(Tensor(element, shape, wrapping: values))]
  }

  package static var onnxNames: [ONNXName] { ["Multinomial"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Multinomial {
    Multinomial(
      sampleCount: try node.integer("sample_size") ?? 1, element: try node.elementType("dtype") ?? .int32,
      seed: try node.float("seed"))
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("dtype", .integer(element.onnxCode ?? 6)), ("sample_size", .integer(sampleCount)),
    ]
    if let seed { attributes.append(("seed", .float(seed))) }
    return ONNXSpelling("Multinomial", attributes)
  }
}
