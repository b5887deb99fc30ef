internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// State that lives from run to run. A variable becomes an input that brings its value and an output that takes the next.
  static let variables: [TFLiteMapping] = [
    TFLiteMapping(
      142, "VAR_HANDLE",
      results: { (node) throws(Failure) in
        let name = try node.message.options?.string(1, "a variable's name") ?? ""
        guard let handle = node.message.outputs.first else { throw node.failure("it has no result") }
        node.scope.variables[handle] = name.isEmpty ? node.name : name
        node.fold("names state that is an input and an output of the graph")
        return []
      }),
    TFLiteMapping(143, "READ_VARIABLE") { (node) throws(Failure) in
      node.fold("reads state that is an input of the graph")
      return try node.variable(try node.variableName(), like: try node.result())
    },
    TFLiteMapping(
      144, "ASSIGN_VARIABLE",
      results: { (node) throws(Failure) in
        node.fold("writes state that is an output of the graph")
        guard node.builder.owner == nil else { throw node.failure("state inside a region is not read") }
        node.builder.state.assign(try node.variableName(), try node.stored(1))
        return []
      }),
    TFLiteMapping(
      129, "CALL_ONCE",
      results: { (node) throws(Failure) in
        node.fold("sets the state the graph is first run with")
        return []
      }),
  ]
}

extension TFLiteNode {
  /// Lists the operator as one that is no node of the graph.
  func fold(_ reason: String) { builder.rewriter.recordFolded([name], reason: reason) }

  fileprivate func variableName() throws(Failure) -> String {
    guard let handle = message.inputs.first, let name = scope.variables[handle] else {
      throw failure("input 0 names no variable")
    }
    return name
  }

  /// The present value of a variable: an input of the graph until it is assigned.
  fileprivate func variable(_ name: String, like tensor: TFLiteTensor) throws(Failure) -> ValueID {
    guard builder.owner == nil else { throw failure("state inside a region is not read") }
    if let value = builder.state[name] { return value }
    let value = builder.rewriter.addInput(.tensor(try builder.type(of: tensor)), name: name)
    builder.state.read(name, as: value)
    return value
  }

  /// An operand that the operator also changes.
  func changing(_ index: Int) throws(Failure) -> ValueID { try variable(try tensor(index).name, like: try tensor(index)) }

  func change(_ index: Int, to value: ValueID) throws(Failure) { builder.state.assign(try tensor(index).name, value) }
}
