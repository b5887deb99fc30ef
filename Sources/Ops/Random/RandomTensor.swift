package import IR

/// A tensor of random numbers of a fixed shape or of the shape of the input.
package struct RandomTensor: ONNXOperator {
  package static let name = "random"

  package enum Distribution: String, Codable, Sendable, Hashable, CaseIterable {
    /// Mean `first`, standard deviation `second`.
    case normal
    /// From `first` up to, not including, `second`.
    case uniform
  }

  package var distribution: Distribution
  package var first: Float
  package var second: Float
  /// Nil: that of the input.
  package var element: ElementType?
  /// Nil: that of the input.
  package var shape: [Int]?
  package var seed: Float?

  package init(
    _ distribution: Distribution, first: Float = 0, second: Float = 1, element: ElementType? = nil, shape: [Int]? = nil,
    seed: Float? = nil
  ) {
    self.distribution = distribution
    self.first = first
    self.second = second
    self.element = element
    self.shape = shape
    self.seed = seed
  }

  package var isNondeterministic: Bool { true }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    if let shape {
      guard shape.checkedProduct != nil else { throw OperatorError("extents-positive", "\(shape) is not a shape") }
      return [.tensor(TensorType(element ?? .float32, shape))]
    }
    let own = try context.element(0)
    return [try context.sameShape(element ?? own)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    // A counter-based generator, and Box and Muller's transform for normal numbers.
    let cost = ArithmeticCost(simple: 20, special: distribution == .normal ? 3 : 0)
    return .pointwise(
      Pointwise(
        function: "random-\(distribution.rawValue)", count: y.count, inputs: [], outputs: [y], costPerElement: cost))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var shape = shape ?? []
    var element = element ?? .float32
    if self.shape == nil {
      let x = try inputs.tensor(0)
      (shape, element) = (x.shape, self.element ?? x.element)
    }
    var generator = SeededGenerator(seed: seed.map { UInt64($0.bitPattern) } ?? context.seed)
    let (a, b) = (Double(first), Double(second))
    let values = (0..<(try shape.evaluableCount())).map { _ in
      distribution == .normal ? a + b * generator.normal() : a + (b - a) * generator.uniform()
    }
    return [.tensor(Tensor(element, shape, rounding: values))]
  }

  package static var onnxNames: [ONNXName] {
    ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"]
  }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RandomTensor {
    let isNormal = node.name.type.hasPrefix("RandomNormal")
    return RandomTensor(
      isNormal ? .normal : .uniform, first: try node.float(isNormal ? "mean" : "low") ?? 0,
      second: try node.float(isNormal ? "scale" : "high") ?? 1, element: try node.elementType("dtype"),
      shape: try node.integers("shape"), seed: try node.float("seed"))
  }

  package func exportONNX() -> ONNXSpelling {
    let isNormal = distribution == .normal
    var attributes: [(name: String, value: ONNXAttribute)] = [
      (isNormal ? "mean" : "low", .float(first)), (isNormal ? "scale" : "high", .float(second)),
    ]
    if let code = element?.onnxCode { attributes.append(("dtype", .integer(code))) }
    if let seed { attributes.append(("seed", .float(seed))) }
    if let shape { attributes.append(("shape", .integers(shape))) }
    return ONNXSpelling(
      ONNXName((isNormal ? "RandomNormal" : "RandomUniform") + (shape == nil ? "Like" : "")), attributes)
  }
}
