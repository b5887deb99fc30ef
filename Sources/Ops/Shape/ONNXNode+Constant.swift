package import IR

extension ONNXNode {
  /// The value of an ONNX `Constant` node in any of its spellings (`value`, `value_ints`, `value_float` …).
  ///
  /// A constant is a value of the graph, not an operator: the importer calls this instead of mapping the node.
  package mutating func constantValue() throws(OperatorError) -> Constant {
    if let value = try tensor("value") { return value }
    if let value = try integer("value_int") { return Constant(Tensor(.int64, [], .int64([Int64(value)]))) }
    if let values = try integers("value_ints") { return Constant(integers: values.map(Int64.init)) }
    if let value = try float("value_float") { return Constant(Tensor(.float32, [], .float32([value]))) }
    if let values = try floats("value_floats") { return Constant(Tensor([values.count], floats: values)) }
    if let value = try string("value_string") { return Constant(Tensor(.string, [], .string([value]))) }
    if let values = try strings("value_strings") { return Constant(Tensor(.string, [values.count], .string(values))) }
    throw OperatorError("constant-value", has("sparse_value") ? "sparse constants are not supported" : "a constant without a value")
  }
}
