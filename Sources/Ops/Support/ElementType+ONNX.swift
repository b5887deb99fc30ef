package import IR

extension ElementType {
  /// The element type of a `TensorProto.DataType` number.
  package init?(onnxCode code: Int) {
    guard let match = ElementType.onnxCodes.first(where: { $0.code == code }) else { return nil }
    self = match.element
  }

  /// The `TensorProto.DataType` number; nil for types ONNX does not have.
  package var onnxCode: Int? { ElementType.onnxCodes.first { $0.element == self }?.code }

  /// The element type of a data type's name, as the first opsets wrote it: `FLOAT`.
  package init?(onnxName name: String) {
    guard let match = ElementType.onnxCodes.first(where: { $0.name == name.uppercased() }) else { return nil }
    self = match.element
  }

  private static let onnxCodes: [(code: Int, name: String, element: ElementType)] = [
    (1, "FLOAT", .float32), (2, "UINT8", .uint8), (3, "INT8", .int8), (4, "UINT16", .uint16), (5, "INT16", .int16),
    (6, "INT32", .int32), (7, "INT64", .int64), (8, "STRING", .string), (9, "BOOL", .bool), (10, "FLOAT16", .float16),
    (11, "DOUBLE", .float64), (12, "UINT32", .uint32), (13, "UINT64", .uint64), (14, "COMPLEX64", .complex64),
    (15, "COMPLEX128", .complex128), (16, "BFLOAT16", .bfloat16), (17, "FLOAT8E4M3FN", .float8e4m3),
    (18, "FLOAT8E4M3FNUZ", .float8e4m3fnuz), (19, "FLOAT8E5M2", .float8e5m2), (20, "FLOAT8E5M2FNUZ", .float8e5m2fnuz),
    (21, "UINT4", .uint4), (22, "INT4", .int4), (23, "FLOAT4E2M1", .float4e2m1), (25, "UINT2", .uint2),
    (26, "INT2", .int2),
  ]
}

extension ONNXNode {
  /// An attribute that names an element type by its number (or, in the first opsets, by its name).
  package mutating func elementType(_ name: String) throws(OperatorError) -> ElementType? {
    guard let attribute = take(name) else { return nil }
    switch attribute {
    case .integer(let code):
      if let element = ElementType(onnxCode: code) { return element }
    case .string(let spelling):
      if let element = ElementType(onnxName: spelling) { return element }
    default: break
    }
    throw OperatorError("element-type", "attribute '\(name)' names no supported element type")
  }
}
