/// The operator of a node and, for operators that are a table of functions, which function: what a pass asks of every node
/// of a graph before it looks at any.
package struct NodeKind: Hashable, Sendable {
  package let type: ObjectIdentifier
  package let function: UInt8

  package init(_ operation: any Operator) {
    type = ObjectIdentifier(Swift.type(of: operation))
    function = operation.functionIndex
  }
}
