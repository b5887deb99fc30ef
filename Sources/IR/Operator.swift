/// One kind of node: attributes, type inference, what machines see, and reference evaluation, all in one file of `Ops`.
///
/// Attributes are the stored properties. They are `Codable`, which is how the text format prints and reads them, and
/// `Hashable`, which is how equal nodes are found. Attributes that ONNX moved to inputs over time (axes, pads, scales …)
/// are always inputs here; importing an old opset makes a constant.
package protocol Operator: Sendable, Hashable, Codable {
  /// The spelling in the text format and in reports, in kebab case: `layer-normalization`.
  static var name: String { get }

  /// Types of the outputs, or which constraint the inputs break.
  func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType]

  /// Contents of small integer outputs that follow from types and known inputs (`shape`, `concat` of shapes …).
  func inferContents(_ context: InferenceContext) -> [ShapeContents?]

  /// What machines see: one of the closed set of computations.
  func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation

  /// The regions whose work and weights the computation counts: all of them, or of two branches the dearer.
  func countedRegions(_ operands: OperandTypes) -> [Int]

  /// Which axes of the operands carry the same index; an axis that none mentions cannot be cut at this node. One-to-one
  /// computations need not say anything: their axes are aligned from the right.
  func axisTies(_ operands: OperandTypes) -> [AxisTie]

  /// The operator, and contents of its small integer inputs by index, for operands that lost positions along some axes.
  func resized(from old: OperandTypes, to new: OperandTypes) -> (operation: any Operator, contents: [Int: [Int]])

  /// The plain reference semantics on tensors; an absent optional input is nil.
  func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum]

  /// True when equal inputs may give different outputs (random numbers): never folded, merged or removed.
  var isNondeterministic: Bool { get }

  /// The rule that made a fused group, whose body machines run as one kernel; nil for every plain operator.
  var fusionRule: String? { get }

  /// Tells apart the functions of an operator that is a table of them; 0 for all others.
  var functionIndex: UInt8 { get }

  /// How a pointwise operator runs on stored integers; nil when it does not.
  var storedForm: StoredForm? { get }

  /// The range of input 0 beyond which results are those at its ends; nil where every input counts.
  ///
  /// - Parameter scalar: the number in another input, nil where it is absent or not known.
  func inputRange(_ scalar: (Int) -> Double?) -> ClosedRange<Double>?
}

extension Operator {
  package func countedRegions(_ operands: OperandTypes) -> [Int] { Array(operands.regions.indices) }
  package var fusionRule: String? { nil }
  package var functionIndex: UInt8 { 0 }
  package var storedForm: StoredForm? { nil }
  package func inputRange(_ scalar: (Int) -> Double?) -> ClosedRange<Double>? { nil }

  package func axisTies(_ operands: OperandTypes) -> [AxisTie] {
    if case .pointwise? = try? computation(operands) { operands.alignedTies() } else { [] }
  }

  package func resized(from old: OperandTypes, to new: OperandTypes) -> (operation: any Operator, contents: [Int: [Int]]) { (self, [:]) }

  package func inferContents(_ context: InferenceContext) -> [ShapeContents?] { [] }

  /// The same operator with the same attributes.
  package func isEqual(to other: any Operator) -> Bool { other as? Self == self }
  package var isNondeterministic: Bool { false }
}

/// Elements of a small integer tensor as dimensions: what shape arithmetic carries.
package typealias ShapeContents = [Dimension]

/// A labelled constraint that the inputs of an operator break, or an evaluation that cannot go on.
package struct OperatorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Short kebab-case name of the constraint, the same in every message and test: `channels-match`.
  package var label: String
  package var message: String

  package init(_ label: String, _ message: String) {
    self.label = label
    self.message = message
  }

  package var description: String { "\(message) [\(label)]" }
}

/// What type inference may look at.
package struct InferenceContext: Sendable {
  package var inputs: [ValueType?]
  /// Known contents of integer inputs, as far as they are known.
  package var contents: [ShapeContents?]
  /// Constant inputs whose bytes are at hand.
  package var constants: [Constant?]
  package var outputCount: Int
  /// Types of the region results, for control flow.
  package var regionOutputs: [[ValueType]]
  /// Name of the node, for fresh symbols of data-dependent extents.
  package var nodeName: String

  package init(
    inputs: [ValueType?], contents: [ShapeContents?] = [], constants: [Constant?] = [], outputCount: Int = 1,
    regionOutputs: [[ValueType]] = [], nodeName: String = ""
  ) {
    self.inputs = inputs
    self.contents = contents
    self.constants = constants
    self.outputCount = outputCount
    self.regionOutputs = regionOutputs
    self.nodeName = nodeName
  }

  package func hasInput(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  /// The tensor type of a required input.
  package func tensor(_ index: Int) throws(OperatorError) -> TensorType {
    guard index < inputs.count, let type = inputs[index] else {
      throw OperatorError("missing-input", "input \(index) is missing")
    }
    guard case .tensor(let tensor) = type else {
      throw OperatorError("tensor-expected", "input \(index) must be a tensor of known rank, not \(type)")
    }
    return tensor
  }

  package func optionalTensor(_ index: Int) throws(OperatorError) -> TensorType? {
    hasInput(index) ? try tensor(index) : nil
  }

  package func known(_ index: Int) -> ShapeContents? { index < contents.count ? contents[index] : nil }

  package func constant(_ index: Int) -> Constant? { index < constants.count ? constants[index] : nil }

  /// Known contents that are all plain numbers.
  package func knownIntegers(_ index: Int) -> [Int]? {
    guard let contents = known(index) else { return nil }
    let numbers = contents.compactMap(\.constant)
    return numbers.count == contents.count ? numbers : nil
  }

  /// A new symbol for an extent that only the data can tell, named after the node.
  package func freshDimension(_ suffix: String) -> Dimension { .symbol("\(nodeName).\(suffix)") }
}

/// Types of the inputs and outputs of a node whose computation is asked for.
package struct OperandTypes: Sendable {
  package var inputs: [ValueType?]
  package var outputs: [ValueType]
  /// Which inputs are constants of the model (weights).
  package var isConstant: [Bool]
  /// Contents of small integer inputs (axes, pads …), where known.
  package var contents: [ShapeContents?]
  /// Computations of the nodes of each region, for loops.
  package var regions: [[Computation]]

  package init(
    inputs: [ValueType?], outputs: [ValueType], isConstant: [Bool], contents: [ShapeContents?] = [],
    regions: [[Computation]] = []
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.isConstant = isConstant
    self.contents = contents
    self.regions = regions
  }
}
