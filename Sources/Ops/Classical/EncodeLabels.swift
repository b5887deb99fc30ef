package import IR

/// Replaces every element by the value listed for it, or by a default. Input: x. Output: like x, of the type of the values.
package struct EncodeLabels: ONNXOperator {
  package static let name = "encode-labels"

  /// Keys and values; of each pair of lists the one that fits the type is filled.
  package var keyTexts: [String]
  package var keyNumbers: [Double]
  package var valueTexts: [String]
  package var valueNumbers: [Double]
  package var defaultText: String
  package var defaultNumber: Double
  /// Type of the result.
  package var element: ElementType

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard max(keyTexts.count, keyNumbers.count) == max(valueTexts.count, valueNumbers.count) else {
      throw OperatorError("keys-match", "keys and values differ in number")
    }
    return [try context.sameShape(element)]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let keys = max(1, keyTexts.count, keyNumbers.count)
    return try operands.pointwise("encode-labels", simple: Int.bitWidth - keys.leadingZeroBitCount)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let places: [Int?]
    if case .string(let texts) = x.elements {
      let index = Dictionary(zip(keyTexts, 0...), uniquingKeysWith: { first, _ in first })
      places = texts.map { index[$0] }
    } else {
      // Not-a-number is a key like any other.
      let index = Dictionary(zip(keyNumbers.map(\.bitPattern), 0...), uniquingKeysWith: { first, _ in first })
      places = try x.doubles().map { index[($0.isNaN ? Double.nan : $0).bitPattern] }
    }
    if element == .string {
      return [.tensor(Tensor(.string, x.shape, .string(places.map { $0.map { valueTexts[$0] } ?? defaultText })))]
    }
    return [.tensor(Tensor(element, x.shape, rounding: places.map { $0.map { valueNumbers[$0] } ?? defaultNumber }))]
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "ai.onnx.ml", "LabelEncoder")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> EncodeLabels {
    // Before opset 2 the classes are the keys of their positions, or the other way round.
    if let classes = try node.strings("classes_strings") {
      let positions = classes.indices.map(Double.init)
      let toText = node.inputTypes.first??.elementType == .int64
      return EncodeLabels(
        keyTexts: toText ? [] : classes, keyNumbers: toText ? positions : [], valueTexts: toText ? classes : [],
        valueNumbers: toText ? [] : positions, defaultText: try node.string("default_string") ?? "_Unused",
        defaultNumber: Double(try node.integer("default_int64") ?? -1), element: toText ? .string : .int64)
    }
    let keys = try node.labels("keys")
    let values = try node.labels("values")
    let text = try node.string("default_string") ?? "_Unused"
    let integer = try node.integer("default_int64")
    let float = try node.float("default_float")
    let standard = try node.tensor("default_tensor").flatMap { Tensor($0) }
    let number: Double
    if let value = try standard?.doubles().first, values.element != .string {
      number = value
    } else {
      number = values.element == .int64 ? Double(integer ?? -1) : Double(float ?? -0.0)
    }
    return EncodeLabels(
      keyTexts: keys.texts, keyNumbers: keys.numbers, valueTexts: values.texts, valueNumbers: values.numbers,
      defaultText: text, defaultNumber: number, element: values.element)
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = []
    if keyTexts.isEmpty {
      attributes.append(("keys_floats", .floats(keyNumbers.map(Float.init))))
    } else {
      attributes.append(("keys_strings", .strings(keyTexts)))
    }
    switch element {
    case .string: attributes += [("values_strings", .strings(valueTexts)), ("default_string", .string(defaultText))]
    case .int64:
      attributes += [
        ("values_int64s", .integers(valueNumbers.map { Int($0.clampedInt64) })),
        ("default_int64", .integer(Int(defaultNumber.clampedInt64))),
      ]
    default: attributes += [("values_floats", .floats(valueNumbers.map(Float.init))), ("default_float", .float(Float(defaultNumber)))]
    }
    return ONNXSpelling(ONNXName(domain: "ai.onnx.ml", "LabelEncoder"), attributes)
  }
}

extension ONNXNode {
  /// One of the lists `<what>_strings`, `<what>_int64s`, `<what>_floats` or the tensor `<what>_tensor`.
  fileprivate mutating func labels(_ what: String) throws(OperatorError) -> (texts: [String], numbers: [Double], element: ElementType) {
    if let texts = try strings("\(what)_strings") { return (texts, [], .string) }
    if let values = try integers("\(what)_int64s") { return ([], values.map(Double.init), .int64) }
    if let values = try floats("\(what)_floats") { return ([], values.map(Double.init), .float32) }
    guard let constant = try tensor("\(what)_tensor"), let tensor = Tensor(constant) else {
      throw OperatorError("missing-attribute", "LabelEncoder needs \(what)")
    }
    if case .string(let texts) = tensor.elements { return (texts, [], .string) }
    return ([], try tensor.doubles(), tensor.element)
  }
}
