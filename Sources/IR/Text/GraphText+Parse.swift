internal import Foundation
package import Basic

extension GraphText {
  /// Nested regions a text may have.
  static let depthLimit = 32

  /// Reads what `print` wrote; every error names file and line. `operators` maps names to types (`OperatorCatalog.byName`).
  package static func parse(
    _ text: String, file: String, operators: [String: any Operator.Type]
  ) throws(Failure) -> Graph {
    var parser = Parser(Scanner(text, file: file), operators: operators)
    try parser.scanner.expect("graph")
    let graph = try parser.graph(depth: 0)
    try parser.scanner.expectEnd()
    return graph
  }

  /// True when a file's first bytes look like this format.
  package static func recognises(_ prefix: [UInt8]) -> Bool {
    let text = String(decoding: prefix.prefix(64), as: UTF8.self).drop(while: { $0.isWhitespace })
    return text.hasPrefix("graph \"") || text.hasPrefix("#")
  }
}

private struct Parser {
  var scanner: GraphText.Scanner
  let operators: [String: any Operator.Type]

  init(_ scanner: GraphText.Scanner, operators: [String: any Operator.Type]) {
    self.scanner = scanner
    self.operators = operators
  }

  /// After the keyword: name, braces, statements.
  mutating func graph(depth: Int) throws(Failure) -> Graph {
    guard depth < GraphText.depthLimit else { throw scanner.failure("regions are nested too deeply") }
    var graph = Graph(name: try scanner.string())
    var numbers: [Int: ValueID] = [:]
    try scanner.expect("{")
    while !scanner.take("}") {
      switch scanner.peekWord() {
      case "source": try source(&graph)
      case "input":
        scanner.skipWord()
        let (number, name, type) = try head()
        let id = try define(Value(type: type, definition: .input, name: name), number, &graph, &numbers)
        graph.inputs.append(id)
      case "const":
        scanner.skipWord()
        let (number, name, type) = try head()
        try scanner.expect("=")
        guard case .tensor(let tensor) = type else { throw scanner.failure("a constant must be a tensor") }
        let constant = Constant(tensor, try payload(tensor))
        _ = try define(Value(type: type, definition: .constant(constant), name: name), number, &graph, &numbers)
      case "folded":
        scanner.skipWord()
        let name = try scanner.string()
        try scanner.expect("because")
        graph.folded.append(FoldedNode(name: name, reason: try scanner.string()))
      case "output":
        scanner.skipWord()
        while scanner.peekByte() == UInt8(ascii: "%") {
          graph.outputs.append(try reference(numbers))
          if !scanner.take(",") { break }
        }
      default: try node(&graph, &numbers, depth: depth)
      }
    }
    return graph
  }

  private mutating func source(_ graph: inout Graph) throws(Failure) {
    scanner.skipWord()
    graph.source.file = try scanner.string()
    graph.source.format = try scanner.string()
    graph.source.producer = try scanner.string()
    try scanner.expect("nodes")
    graph.source.nodeNames = try strings()
  }

  private mutating func node(_ graph: inout Graph, _ numbers: inout [Int: ValueID], depth: Int) throws(Failure) {
    let id = NodeID(graph.nodeSlots.count)
    var outputs: [ValueID] = []
    while scanner.peekByte() == UInt8(ascii: "%") {
      let (number, name, type) = try head()
      outputs.append(try define(Value(type: type, definition: .node(id, output: outputs.count), name: name), number, &graph, &numbers))
      if !scanner.take(",") { break }
    }
    try scanner.expect("=")
    let operatorName = try scanner.word()
    guard let type = operators[operatorName] else {
      let near = nearestSpelling(to: operatorName, in: operators.keys.sorted())
      throw scanner.failure("no operator '\(operatorName)'", fix: near.map { "did you mean \($0)?" })
    }
    var inputs: [ValueID?] = []
    try scanner.expect("(")
    while !scanner.take(")") {
      if scanner.take("_") { inputs.append(nil) } else { inputs.append(try reference(numbers)) }
      if !scanner.take(",") {
        try scanner.expect(")")
        break
      }
    }
    let attributes = try attributes()
    let operation: any Operator
    do { operation = try type.init(from: AttributeDecoder(attributes: attributes)) } catch let mismatch as AttributeDecoder.Mismatch {
      throw scanner.failure(mismatch.message(operatorName: operatorName), fix: mismatch.fix)
    } catch {
      throw scanner.failure("\(operatorName): \(error)")
    }
    try scanner.expect("name")
    let name = try scanner.string()
    try scanner.expect("from")
    var node = Node(operation: operation, inputs: inputs, outputs: outputs, name: name, origin: Origin(try strings()))
    graph.nodeSlots.append(node)
    while scanner.peekWord() == "region" {
      scanner.skipWord()
      node.regions.append(try self.graph(depth: depth + 1))
    }
    graph.nodeSlots[id.index] = node
  }

  private mutating func attributes() throws(Failure) -> [String: AttributeValue] {
    var result: [String: AttributeValue] = [:]
    guard scanner.take("{") else { return result }
    while !scanner.take("}") {
      let name = try scanner.word()
      try scanner.expect("=")
      guard result.updateValue(try value(depth: 0), forKey: name) == nil else { throw scanner.failure("attribute '\(name)' stands twice") }
      if !scanner.take(",") {
        try scanner.expect("}")
        break
      }
    }
    return result
  }

  private mutating func value(depth: Int) throws(Failure) -> AttributeValue {
    guard depth < 8 else { throw scanner.failure("lists are nested too deeply") }
    if scanner.peekByte() == UInt8(ascii: "\"") { return .string(try scanner.string()) }
    if scanner.take("[") {
      var values: [AttributeValue] = []
      while !scanner.take("]") {
        values.append(try value(depth: depth + 1))
        if !scanner.take(",") {
          try scanner.expect("]")
          break
        }
      }
      return .list(values)
    }
    let word = try scanner.numberOrWord()
    switch word {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "none": return .none
    default:
      if let integer = Int(word) { return .integer(integer) }
      if let float = Double(word) { return .float(float) }
      throw scanner.failure("'\(word)' is not a value")
    }
  }

  /// `%3 "name" : type`
  private mutating func head() throws(Failure) -> (Int, String, ValueType) {
    try scanner.expect("%")
    let number = try scanner.integer()
    let name = try scanner.string()
    try scanner.expect(":")
    return (number, name, try type(depth: 0))
  }

  private mutating func define(
    _ value: Value, _ number: Int, _ graph: inout Graph, _ numbers: inout [Int: ValueID]
  ) throws(Failure) -> ValueID {
    let id = ValueID(graph.valueSlots.count)
    guard numbers.updateValue(id, forKey: number) == nil else { throw scanner.failure("value %\(number) is defined twice") }
    graph.valueSlots.append(value)
    return id
  }

  private mutating func reference(_ numbers: [Int: ValueID]) throws(Failure) -> ValueID {
    try scanner.expect("%")
    let number = try scanner.integer()
    guard let id = numbers[number] else { throw scanner.failure("value %\(number) is used before it is defined") }
    return id
  }

  private mutating func strings() throws(Failure) -> [String] {
    var result: [String] = []
    try scanner.expect("[")
    while !scanner.take("]") {
      result.append(try scanner.string())
      if !scanner.take(",") {
        try scanner.expect("]")
        break
      }
    }
    return result
  }

  private mutating func payload(_ type: TensorType) throws(Failure) -> Constant.Payload {
    let word = try scanner.word()
    switch word {
    case "absent": return .absent
    case "strings": return .strings(try strings())
    case "base64":
      guard let data = Data(base64Encoded: try scanner.string()) else { throw scanner.failure("the base64 text is not valid") }
      guard let count = type.elementCount, data.count == type.element.bytes(count) else {
        throw scanner.failure("\(data.count) bytes do not fill \(type)")
      }
      return .bytes(TensorData(.inline([UInt8](data))))
    case "values":
      guard case .list(let values) = try value(depth: 0), let count = type.elementCount, values.count == count else {
        throw scanner.failure("the values do not fill \(type)")
      }
      var bytes: [UInt8] = []
      for value in values {
        guard case .integer(let number) = value else { throw scanner.failure("values must be integers") }
        withUnsafeBytes(of: Int64(number).littleEndian) { bytes += $0.prefix(type.element == .int64 ? 8 : 4) }
      }
      return .bytes(TensorData(.inline(bytes)))
    default: throw scanner.failure("'\(word)' is not absent, values, strings or base64")
    }
  }

  private mutating func type(depth: Int) throws(Failure) -> ValueType {
    guard depth < 8 else { throw scanner.failure("types are nested too deeply") }
    let word = try scanner.word()
    if word == "seq" || word == "opt" {
      try scanner.expect("(")
      let inner = try type(depth: depth + 1)
      try scanner.expect(")")
      return word == "seq" ? .sequence(inner) : .optional(inner)
    }
    guard let element = ElementType(rawValue: word) else { throw scanner.failure("'\(word)' is not an element type") }
    try scanner.expect("[")
    if scanner.take("*") {
      try scanner.expect("]")
      return .unranked(element)
    }
    var shape: [Dimension] = []
    while !scanner.take("]") {
      shape.append(try scanner.dimension())
      if !scanner.take(",") {
        try scanner.expect("]")
        break
      }
    }
    return .tensor(TensorType(element, shape, encoding: try encoding()))
  }

  private mutating func encoding() throws(Failure) -> Encoding {
    var result = Encoding.dense
    guard scanner.take("<") else { return result }
    repeat {
      if scanner.peekWord() == "sparse" {
        scanner.skipWord()
        let first = try scanner.integer()
        result.sparsity =
          scanner.take(":") ? .structured(kept: first, of: try scanner.integer()) : .unstructured(densityPartsPerMillion: first)
      } else if scanner.peekWord() == "palette" {
        scanner.skipWord()
        result.palette = try scanner.integer()
      } else {
        result.quantization = try quantization()
      }
    } while scanner.take(";")
    try scanner.expect(">")
    return result
  }

  private mutating func quantization() throws(Failure) -> Encoding.Quantization {
    guard let storage = ElementType(rawValue: try scanner.word()) else { throw scanner.failure("unknown storage type") }
    var q = Encoding.Quantization(storage: storage)
    switch try scanner.word() {
    case "tensor": q.granularity = .tensor
    case "token": q.granularity = .token
    case "channel": q.granularity = .channel(axis: try scanner.integer())
    case "group":
      let axis = try scanner.integer()
      q.granularity = .group(axis: axis, size: try scanner.integer())
    default: throw scanner.failure("unknown granularity")
    }
    guard let scale = ElementType(rawValue: try scanner.word()) else { throw scanner.failure("unknown scale type") }
    q.scale = scale
    if scanner.peekWord() == "asymmetric" {
      scanner.skipWord()
      q.isAsymmetric = true
    }
    if scanner.peekWord() == "dynamic" {
      scanner.skipWord()
      q.isDynamic = true
    }
    return q
  }
}
