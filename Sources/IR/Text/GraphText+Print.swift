internal import Foundation

/// The text form of a graph: one line per value or node, readable by people and by `parse`.
///
/// ```
/// graph "tiny" {
///   source "tiny.onnx" "onnx" "pytorch 2.0" nodes ["conv1", "relu1"]
///   input %0 "x" : f32[n, 3, 224, 224]
///   const %1 "w" : f32[64, 3, 7, 7] = absent
///   %2 "y" : f32[n, 64, 112, 112] = conv(%0, %1) {strides = [2, 2], …} name "conv1" from ["conv1"]
///   folded "dropout1" because "inference"
///   output %2
/// }
/// ```
/// An absent optional input is `_`; a node with several outputs lists them before `=`; regions follow the attributes.
package enum GraphText {
  package static func print(_ graph: Graph) -> String {
    var printer = Printer()
    printer.graph(graph)
    return printer.text
  }

  static func quoted(_ text: String) -> String {
    // Most names need no escape.
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    return isPlain ? "\"\(text)\"" : escaped(text)
  }

  private static func escaped(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  static func text(_ type: ValueType) -> String {
    switch type {
    case .tensor(let tensor): text(tensor)
    case .unranked(let element): "\(element.rawValue)[*]"
    case .sequence(let element): "seq(\(text(element)))"
    case .optional(let element): "opt(\(text(element)))"
    }
  }

  static func text(_ type: TensorType) -> String {
    "\(type.element.rawValue)[\(type.shape.map(\.description).joined(separator: ", "))]\(text(type.encoding))"
  }

  /// `<i8 channel 0 f32; sparse 2:4; palette 16>`; nothing for a dense unquantised tensor.
  static func text(_ encoding: Encoding) -> String {
    var parts: [String] = []
    if let q = encoding.quantization {
      var words = [q.storage.rawValue]
      switch q.granularity {
      case .tensor: words.append("tensor")
      case .channel(let axis): words.append("channel \(axis)")
      case .group(let axis, let size): words.append("group \(axis) \(size)")
      case .token: words.append("token")
      }
      words.append(q.scale.rawValue)
      if q.isAsymmetric { words.append("asymmetric") }
      if q.isDynamic { words.append("dynamic") }
      parts.append(words.joined(separator: " "))
    }
    switch encoding.sparsity {
    case .dense: break
    case .structured(let kept, let of): parts.append("sparse \(kept):\(of)")
    case .unstructured(let density): parts.append("sparse \(density)")
    }
    if let palette = encoding.palette { parts.append("palette \(palette)") }
    return parts.isEmpty ? "" : "<" + parts.joined(separator: "; ") + ">"
  }
}

extension ValueType: CustomStringConvertible {
  package var description: String { GraphText.text(self) }
}

extension TensorType: CustomStringConvertible {
  package var description: String { GraphText.text(self) }
}

private struct Printer {
  var text = ""
  private var indent = ""
  /// Values are numbered in order of appearance, so that erased ones leave no trace.
  private var numbers: [Int?] = []
  private var numberCount = 0

  mutating func graph(_ graph: Graph, keyword: String = "graph") {
    text += "\(indent)\(keyword) \(GraphText.quoted(graph.name)) {\n"
    let (outer, outerNumbers, outerCount) = (indent, numbers, numberCount)
    indent += "  "
    numbers = [Int?](repeating: nil, count: graph.valueSlots.count)
    numberCount = 0
    let source = graph.source
    if source != GraphSource() {
      let words = [source.file, source.format, source.producer].map(GraphText.quoted).joined(separator: " ")
      line("source \(words) nodes \(list(source.nodeNames))")
    }
    for input in graph.inputs { line("input \(head(input, graph))") }
    for id in graph.valueIDs {
      if case .constant(let constant) = graph[id].definition { line("const \(head(id, graph)) = \(payload(constant))") }
    }
    for id in graph.topologicalOrder() ?? Array(graph.nodeIDs) { node(graph[id], graph) }
    for folded in graph.folded { line("folded \(GraphText.quoted(folded.name)) because \(GraphText.quoted(folded.reason))") }
    var outputs: [String] = []
    for output in graph.outputs { outputs.append(reference(output)) }
    line("output \(outputs.joined(separator: ", "))")
    (indent, numbers, numberCount) = (outer, outerNumbers, outerCount)
    text += "\(indent)}\n"
  }

  private mutating func line(_ words: String) { text += indent + words + "\n" }

  private mutating func reference(_ id: ValueID) -> String {
    guard id.index < numbers.count else { return "%?" }
    if let number = numbers[id.index] { return "%\(number)" }
    defer { numberCount += 1 }
    numbers[id.index] = numberCount
    return "%\(numberCount)"
  }

  private mutating func head(_ id: ValueID, _ graph: Graph) -> String {
    "\(reference(id)) \(GraphText.quoted(graph[id].name)) : \(GraphText.text(graph[id].type))"
  }

  private mutating func node(_ node: Node, _ graph: Graph) {
    let operation = node.operation
    let attributes = (try? AttributeEncoder.encode(operation)) ?? []
    let words = attributes.map { "\($0.name) = \($0.value.text)" }.joined(separator: ", ")
    var inputs: [String] = []
    for input in node.inputs { inputs.append(input.map { reference($0) } ?? "_") }
    var heads: [String] = []
    for output in node.outputs { heads.append(head(output, graph)) }
    var text = heads.joined(separator: ", ")
    text += " = \(type(of: node.operation).name)(\(inputs.joined(separator: ", ")))" + (words.isEmpty ? "" : " {\(words)}")
    text += " name \(GraphText.quoted(node.name)) from \(list(node.origin.names))"
    self.text += indent
    self.text += text
    self.text += "\n"
    for region in node.regions { self.graph(region, keyword: "region") }
  }

  private func list(_ names: [String]) -> String {
    names.count == 1 ? "[\(GraphText.quoted(names[0]))]" : "[" + names.map(GraphText.quoted).joined(separator: ", ") + "]"
  }

  private func payload(_ constant: Constant) -> String {
    switch constant.payload {
    case .absent: return "absent"
    case .strings(let strings): return "strings \(list(strings))"
    case .bytes(let data):
      if let numbers = constant.shapeContents { return "values [" + numbers.map(\.description).joined(separator: ", ") + "]" }
      return "base64 \"" + data.withBytes { Data($0).base64EncodedString() } + "\""
    }
  }
}
