internal import Basic
internal import IR
internal import Ops

extension GraphBuilder {
  /// Emits the body of a local function in place of its call; every node of it originates in the calling node.
  func inline(_ function: FunctionMessage, at call: NodeMessage, name: String, scope: Scope) throws(Failure) {
    _ = try session.inlinedSize(function, at: call)
    var given: [String: AttributeMessage] = [:]
    for attribute in function.defaults + (try attributes(call, scope: scope)) { given[attribute.name] = attribute }
    let opsets = function.opsets.merging(scope.opsets) { own, _ in own }
    let body = Scope(
      opsets: opsets, prefix: "\(name)/", owner: scope.owner ?? name, attributes: given)
    body.declare(function.valueInfo)
    guard call.inputs.count <= function.inputs.count, call.outputs.count <= function.outputs.count else {
      throw session.failure("does not fit the signature of function \(function.name)", node: name, at: call.offset)
    }
    for (index, parameter) in function.inputs.enumerated() {
      let argument = index < call.inputs.count ? call.inputs[index] : ""
      define(parameter, try resolve(argument, of: name, at: call.offset, scope: scope), scope: body)
    }
    let before = emitted
    do { try emit(function.nodes, scope: body) } catch { throw error.inside(node: name) }
    for (output, result) in zip(call.outputs, function.outputs) where !output.isEmpty {
      guard let value = body.values[result] ?? nil else {
        throw session.failure("function \(function.name) does not compute '\(result)'", node: name, at: call.offset)
      }
      define(output, value, scope: scope)
      rewriter.rename(value, to: scope.prefix + output)
    }
    if scope.owner == nil, emitted == before { rewriter.recordFolded([name], reason: "constant") }
  }
}
