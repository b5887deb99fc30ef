extension Graph {
  /// What type inference of a node may see. Small integer constants are opened; `contents` adds what earlier inference found.
  package func inferenceContext(
    inputs: [ValueID?], outputCount: Int, regions: [Graph] = [], nodeName: String, contents: (ValueID) -> ShapeContents?
  ) -> InferenceContext {
    InferenceContext(
      inputs: inputs.map { $0.map { self[$0].type } },
      contents: inputs.map { id in id.flatMap { contents($0) ?? self[$0].constant?.shapeContents } },
      constants: inputs.map { constant($0) },
      outputCount: outputCount,
      regionOutputs: regions.map { region in region.outputs.map { region[$0].type } },
      nodeName: nodeName)
  }
}

extension Rewriter {
  /// Appends a node and infers its output types from its inputs.
  @discardableResult
  package mutating func addNode(
    _ operation: any Operator, _ inputs: [ValueID?], name: String, origin: Origin, outputCount: Int = 1
  ) throws(OperatorError) -> NodeID {
    let context = graph.inferenceContext(inputs: inputs, outputCount: outputCount, nodeName: name) { _ in nil }
    let types = try operation.inferTypes(context)
    return addNode(operation, inputs, types: types, name: name, origin: origin)
  }
}

extension Constant {
  /// The elements of a small integer constant as dimensions; nil for others.
  package var shapeContents: ShapeContents? {
    guard type.element == .int64 || type.element == .int32, case .bytes(let data) = payload,
      let count = type.elementCount, count <= 64, data.byteCount == type.element.bytes(count)
    else { return nil }
    return data.withBytes { bytes in
      (0..<count).map { index in
        .constant(
          type.element == .int64
            ? Int(bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
            : Int(bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self)))
      }
    }
  }
}
