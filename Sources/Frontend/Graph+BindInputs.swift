package import Basic
package import IR
internal import Ops

extension Graph {
  /// The graph with input extents replaced, by symbol or by input and axis, and every other type inferred anew.
  package func bindingInputs(_ dimensions: [String: Int], file: String) throws(Failure) -> Graph {
    guard !dimensions.isEmpty else { return self }
    let declared = inputs.map { (name: self[$0].name, type: TypeMessage(self[$0].type)) }
    var binder = try DimensionBinder(dimensions, inputs: declared, file: file)
    var rewriter = Rewriter(self)
    for input in inputs {
      if let constant = binder.scalars[self[input].name].flatMap({ Constant(scalar: $0, like: self[input].type) }) {
        rewriter.replaceUses(of: input, with: rewriter.addConstant(constant, name: self[input].name))
      }
      guard case .tensor(var tensor) = self[input].type else { continue }
      for axis in tensor.shape.indices {
        let replaced = binder.dimension(TypeMessage.Extent(tensor.shape[axis]), of: self[input].name, axis: axis)
        tensor.shape[axis] = tensor.shape[axis].constant == nil ? binder.bound(tensor.shape[axis]) : replaced
      }
      rewriter.setType(.tensor(tensor), of: input)
    }
    try rewriter.inferAgain(file: file) { type in binder.bound(type) }
    try binder.checkUse(file: file)
    var bound = rewriter.finish()
    bound.source.replacements = binder.replacements
    return bound
  }
}

extension Rewriter {
  /// Infers the types of all nodes in execution order, keeping encodings.
  fileprivate mutating func inferAgain(file: String, bound: (ValueType) -> ValueType) throws(Failure) {
    var contents: [ValueID: ShapeContents] = [:]
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      let context = graph.inferenceContext(
        inputs: node.inputs, outputCount: node.outputs.count, regions: node.regions, nodeName: node.name
      ) { contents[$0] }
      let types: [ValueType]
      do throws(OperatorError) { types = try node.operation.inferTypes(context) } catch {
        throw Failure("node '\(node.name)': \(error)", at: SourceLocation(file: file))
      }
      for (output, inferred) in zip(node.outputs, types) {
        var type = bound(inferred)
        if case .tensor(var tensor) = type, let old = graph.tensorType(output) {
          tensor.encoding = old.encoding
          // What only the file knew (a declared extent) stays known.
          for axis in tensor.shape.indices where tensor.rank == old.rank && tensor.shape[axis].constant == nil {
            if old.shape[axis].constant != nil, isData(tensor.shape[axis], of: node.name) {
              tensor.shape[axis] = old.shape[axis]
            }
          }
          type = .tensor(tensor)
        }
        setType(type, of: output)
      }
      for (output, known) in zip(node.outputs, node.operation.inferContents(context)) where known != nil {
        contents[output] = known
      }
    }
  }

  /// An extent that a node made up because only the data can tell.
  private func isData(_ dimension: Dimension, of node: String) -> Bool {
    dimension.expression.symbols.contains { $0.hasPrefix(node + ".") }
  }
}

extension Constant {
  /// One integer as a constant of an input's type.
  init?(scalar number: Int, like type: ValueType) {
    guard let tensor = type.tensor else { return nil }
    self = Constant(Tensor(tensor.element, [], saturating: [Int64(number)]))
  }
}

extension TypeMessage {
  fileprivate init(_ type: ValueType) {
    guard case .tensor(let tensor) = type else {
      self = .unsupported("a type that is no tensor")
      return
    }
    self = .tensor(element: tensor.element.onnxCode ?? 0, shape: tensor.shape.map(Extent.init))
  }
}

extension TypeMessage.Extent {
  fileprivate init(_ dimension: Dimension) {
    switch dimension {
    case .constant(let number): self = .number(number)
    case .symbolic(let expression): self = .named(expression.description)
    }
  }
}
