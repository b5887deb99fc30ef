package import IR

/// How an operator is spelled in ONNX files: the mapping both ways.
///
/// Import normalises to the newest opset: what old opsets wrote as attributes becomes a constant input.
package protocol ONNXOperator: Operator {
  /// Every ONNX operator this type imports.
  static var onnxNames: [ONNXName] { get }

  /// Reads attributes and rearranges inputs. Attributes nobody takes are an error of the importer.
  static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Self

  /// The newest-opset spelling; inputs and outputs stay in place.
  func exportONNX() -> ONNXSpelling

  /// How many inputs are ONNX's own, where region captures follow them; nil when all are.
  var onnxInputCount: Int? { get }

  /// Attributes that hold the regions of which input 0 chooses one: that for true, then that for false. Empty for operators that run
  /// all their regions.
  static var alternatives: [String] { get }

  /// The node in a form that the newest opset has, for forms only old opsets had; by default the node itself.
  func onnxEquivalent(of node: Node, in graph: Graph) throws(OperatorError) -> Node
}

extension ONNXOperator {
  package var onnxInputCount: Int? { nil }
  package static var alternatives: [String] { [] }
  package func onnxEquivalent(of node: Node, in graph: Graph) throws(OperatorError) -> Node { node }
}

/// Domain (empty for ai.onnx) and operator type.
package struct ONNXName: Hashable, Sendable, ExpressibleByStringLiteral {
  package var domain: String
  package var type: String

  package init(domain: String = "", _ type: String) {
    self.domain = domain
    self.type = type
  }

  package init(stringLiteral type: String) { self.init(type) }
}

/// Attribute values of the ONNX format.
package enum ONNXAttribute: Sendable {
  case integer(Int)
  case float(Float)
  case string(String)
  case tensor(Constant)
  case integers([Int])
  case floats([Float])
  case strings([String])
  /// Index into the node's regions.
  case region(Int)
  /// A TypeProto, for Optional and SequenceEmpty.
  case type(ValueType)
}

/// A node of a model file while it is mapped to an operator.
package struct ONNXNode: Sendable {
  package enum Input: Sendable {
    case value(ValueID)
    case constant(Constant)
    case absent
    /// A value that gains axes of extent 1 first (the importer inserts an `unsqueeze`): how the `axis` of old
    /// broadcasting is normalised.
    case unsqueezed(ValueID, axes: [Int])
    /// A value whose axes are exchanged first (the importer inserts a `transpose`).
    case transposed(ValueID, order: [Int])
  }

  package let name: ONNXName
  /// Version of the node's domain that the model imports.
  package let opset: Int
  package var inputs: [Input]
  package let outputCount: Int
  /// Types of the inputs, where a mapping depends on them.
  package let inputTypes: [ValueType?]
  /// Why regions cannot be typed at the extents of the graph, by attribute.
  package var untypedRegions: [String: String] = [:]
  private var attributes: [String: ONNXAttribute]

  package init(
    name: ONNXName, opset: Int, inputs: [Input], inputTypes: [ValueType?] = [], outputCount: Int,
    attributes: [String: ONNXAttribute]
  ) {
    self.name = name
    self.opset = opset
    self.inputs = inputs
    self.inputTypes = inputTypes
    self.outputCount = outputCount
    self.attributes = attributes
  }

  /// Attributes that no mapping has taken yet.
  package var remainingAttributes: [String] { attributes.keys.sorted() }

  package func has(_ attribute: String) -> Bool { attributes[attribute] != nil }

  /// Forgets an attribute that carries no meaning any more (`consumed_inputs`, `spatial = 1` …).
  package mutating func ignore(_ attribute: String) { attributes[attribute] = nil }

  package mutating func integer(_ name: String) throws(OperatorError) -> Int? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .integer(let value) = attribute else { throw wrongType(name, "an integer") }
    return value
  }

  package mutating func float(_ name: String) throws(OperatorError) -> Float? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .float(let value) = attribute else { throw wrongType(name, "a float") }
    return value
  }

  package mutating func string(_ name: String) throws(OperatorError) -> String? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .string(let value) = attribute else { throw wrongType(name, "a string") }
    return value
  }

  package mutating func tensor(_ name: String) throws(OperatorError) -> Constant? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .tensor(let value) = attribute else { throw wrongType(name, "a tensor") }
    return value
  }

  package mutating func integers(_ name: String) throws(OperatorError) -> [Int]? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .integers(let value) = attribute else { throw wrongType(name, "a list of integers") }
    return value
  }

  package mutating func floats(_ name: String) throws(OperatorError) -> [Float]? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .floats(let value) = attribute else { throw wrongType(name, "a list of floats") }
    return value
  }

  package mutating func strings(_ name: String) throws(OperatorError) -> [String]? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .strings(let value) = attribute else { throw wrongType(name, "a list of strings") }
    return value
  }

  package mutating func region(_ name: String) throws(OperatorError) -> Int? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .region(let value) = attribute else { throw wrongType(name, "a graph") }
    return value
  }

  package mutating func type(_ name: String) throws(OperatorError) -> ValueType? {
    guard let attribute = attributes.removeValue(forKey: name) else { return nil }
    guard case .type(let value) = attribute else { throw wrongType(name, "a type") }
    return value
  }

  /// Any attribute, unopened.
  package mutating func take(_ name: String) -> ONNXAttribute? { attributes.removeValue(forKey: name) }

  /// Makes the input at `index` an integer vector constant, extending the list with absent inputs as needed.
  package mutating func setInput(_ index: Int, integers: [Int]) {
    while inputs.count <= index { inputs.append(.absent) }
    inputs[index] = .constant(Constant(integers: integers.map(Int64.init)))
  }

  private func wrongType(_ attribute: String, _ wanted: String) -> OperatorError {
    OperatorError("attribute-type", "attribute '\(attribute)' must be \(wanted)")
  }
}

/// An operator written back as an ONNX node.
package struct ONNXSpelling: Sendable {
  package var name: ONNXName
  /// In the order in which they are written.
  package var attributes: [(name: String, value: ONNXAttribute)]

  package init(_ name: ONNXName, _ attributes: [(name: String, value: ONNXAttribute)] = []) {
    self.name = name
    self.attributes = attributes
  }
}
