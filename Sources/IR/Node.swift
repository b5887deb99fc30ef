package import Basic

/// Tags for typed IDs.
package typealias NodeID = ID<Node>
package typealias ValueID = ID<Value>

/// One application of an operator.
///
/// Its parts lie in one shared, unchanging object: passes look at millions of nodes, and a copy costs one reference.
package struct Node: Sendable {
  private final class Parts: Sendable {
    let operation: any Operator
    let kind: ObjectIdentifier
    let inputs: [ValueID?]
    let outputs: [ValueID]
    let regions: [Graph]
    let name: String
    let origin: Origin

    init(
      operation: any Operator, inputs: [ValueID?], outputs: [ValueID], regions: [Graph], name: String, origin: Origin
    ) {
      self.operation = operation
      kind = ObjectIdentifier(type(of: operation))
      self.inputs = inputs
      self.outputs = outputs
      self.regions = regions
      self.name = name
      self.origin = origin
    }

    func with(
      operation: (any Operator)? = nil, inputs: [ValueID?]? = nil, outputs: [ValueID]? = nil, regions: [Graph]? = nil,
      name: String? = nil, origin: Origin? = nil
    ) -> Parts {
      Parts(
        operation: operation ?? self.operation, inputs: inputs ?? self.inputs, outputs: outputs ?? self.outputs,
        regions: regions ?? self.regions, name: name ?? self.name, origin: origin ?? self.origin)
    }
  }

  private var parts: Parts

  package init(
    operation: any Operator, inputs: [ValueID?], outputs: [ValueID], regions: [Graph] = [], name: String, origin: Origin
  ) {
    parts = Parts(operation: operation, inputs: inputs, outputs: outputs, regions: regions, name: name, origin: origin)
  }

  package var operation: any Operator {
    get { parts.operation }
    set { parts = parts.with(operation: newValue) }
  }

  /// An absent optional input is nil.
  package var inputs: [ValueID?] {
    get { parts.inputs }
    set { parts = parts.with(inputs: newValue) }
  }

  package var outputs: [ValueID] {
    get { parts.outputs }
    set { parts = parts.with(outputs: newValue) }
  }

  /// Bodies of control flow. A region sees nothing of the outer graph: captures are extra inputs of node and region.
  package var regions: [Graph] {
    get { parts.regions }
    set { parts = parts.with(regions: newValue) }
  }

  /// Name of the node in the model file, unique within the graph (made up when the file had none).
  package var name: String {
    get { parts.name }
    set { parts = parts.with(name: newValue) }
  }

  package var origin: Origin {
    get { parts.origin }
    set { parts = parts.with(origin: newValue) }
  }

  /// Identifies the operator's type.
  package var kind: ObjectIdentifier { parts.kind }

  /// The operator when it is of the given kind; cheap when it is not.
  @inlinable package func operation<Op: Operator>(as kind: Op.Type) -> Op? {
    self.kind == ObjectIdentifier(kind) ? operation as? Op : nil
  }
}

/// One tensor (or sequence) of the graph; like a node, one reference to parts that do not change.
package struct Value: Sendable {
  package enum Definition: Sendable {
    case input
    case constant(Constant)
    case node(NodeID, output: Int)
  }

  private final class Parts: Sendable {
    let type: ValueType
    let definition: Definition
    let name: String
    let producer: NodeID?
    let element: ElementType?

    init(_ type: ValueType, _ definition: Definition, _ name: String) {
      self.type = type
      self.definition = definition
      self.name = name
      producer = if case .node(let node, _) = definition { node } else { nil }
      element = if case .tensor(let tensor) = type { tensor.element } else { nil }
    }
  }

  private var parts: Parts

  package init(type: ValueType, definition: Definition, name: String) { parts = Parts(type, definition, name) }

  package var type: ValueType {
    get { parts.type }
    set { parts = Parts(newValue, parts.definition, parts.name) }
  }

  package var definition: Definition {
    get { parts.definition }
    set { parts = Parts(parts.type, newValue, parts.name) }
  }

  package var name: String {
    get { parts.name }
    set { parts = Parts(parts.type, parts.definition, newValue) }
  }

  package var constant: Constant? {
    // Most values are made by nodes: those need no look at the definition.
    guard parts.producer == nil, case .constant(let constant) = parts.definition else { return nil }
    return constant
  }

  package var producer: NodeID? { parts.producer }

  /// Of a tensor of known rank.
  package var element: ElementType? { parts.element }
}
