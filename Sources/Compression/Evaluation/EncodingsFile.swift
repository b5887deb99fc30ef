internal import Foundation
package import IR
internal import Ops

/// Scales and zero points by tensor name, in the layout quantisation toolkits exchange, plus integer requantisation factors.
package struct EncodingsFile: Sendable, Codable {
  package struct Encoding: Sendable, Codable, Hashable {
    package var bitwidth: Int
    /// `int` or `float`.
    package var dtype: String
    package var isSymmetric: Bool
    package var min: Double
    package var max: Double
    package var offset: Int64
    package var scale: Double

    enum CodingKeys: String, CodingKey {
      case bitwidth, dtype, min, max, offset, scale
      case isSymmetric = "is_symmetric"
    }
  }

  /// sum · multiplier · 2^(−shift) is the stored result before its zero point, per output channel.
  package struct Requantization: Sendable, Codable, Hashable {
    package var multiplier: [Int64]
    package var shift: [Int]
  }

  package var version = "0.6.1"
  package var activationEncodings: [String: [Encoding]] = [:]
  package var paramEncodings: [String: [Encoding]] = [:]
  /// By name of the layer.
  package var requantization: [String: Requantization] = [:]

  enum CodingKeys: String, CodingKey {
    case version, requantization
    case activationEncodings = "activation_encodings"
    case paramEncodings = "param_encodings"
  }

  package init(_ graph: Graph, _ arithmetic: IntegerArithmetic) {
    let users = graph.usersByValue()
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      if node.operation is Dequantize, let stored = node.inputs[0], graph[stored].constant != nil {
        paramEncodings[Self.originalName(graph[stored].name)] = Self.encodings(graph, node)
      } else if node.operation is Dequantize, let (_, gather) = graph.producer(node.inputs[0], as: Gather.self), gather.axis == 0,
        node.name.hasSuffix("_dequantize")
      {
        // Numbers of a codebook: the range of its table.
        paramEncodings[String(node.name.dropLast("_dequantize".count))] = Self.encodings(graph, node)
      } else if node.operation is Quantize, let value = node.inputs[0] {
        activationEncodings[graph[value].name] = Self.encodings(graph, node)
      } else if node.operation is any WeightedOperator, let factors = Self.factors(graph, node, users) {
        let found = factors.map { Requantizer(factor: $0, arithmetic) }
        requantization[node.name] = Requantization(multiplier: found.map(\.multiplier), shift: found.map(\.shift))
      }
    }
  }

  /// Sorted keys, so that equal encodings are equal bytes.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(self)) + [10]
  }

  private static func originalName(_ name: String) -> String { name.hasSuffix("_stored") ? String(name.dropLast(7)) : name }

  private static func encodings(_ graph: Graph, _ node: Node) -> [Encoding] {
    let constant = graph.constant(node.inputs[1]).flatMap { Tensor($0) } ?? graph.repeatedConstant(node.inputs[1])
    guard let scale = constant, let scales = try? scale.doubles() else { return [] }
    let zero = node.inputs.count > 2 ? graph.constant(node.inputs[2]) : nil
    let zeros = zero.flatMap { Tensor($0) }.flatMap { try? $0.doubles() }
    let stored = (node.operation as? Quantize)?.storage ?? graph.tensorType(node.inputs[0])?.element
    let element = zero?.type.element ?? stored ?? .int8
    let codes = QuantizationScheme(storage: element).codeRange
    let middle = element.isUnsignedInteger ? (codes.upperBound + 1) / 2 : 0
    return scales.indices.map { index in
      let offset = zeros.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? 0
      return Encoding(
        bitwidth: element.bits, dtype: element.isFloat ? "float" : "int", isSymmetric: offset == middle,
        min: (codes.lowerBound - offset) * scales[index], max: (codes.upperBound - offset) * scales[index], offset: Int64(offset),
        scale: scales[index])
    }
  }

  /// Scale of the sums over scale of the result; nil when the layer does not end in one `quantize`.
  private static func factors(_ graph: Graph, _ node: Node, _ users: [[NodeID]]) -> [Double]? {
    func scales(_ node: Node) -> [Double]? { graph.constant(node.inputs[1]).flatMap { Tensor($0) }.flatMap { try? $0.doubles() } }
    guard let (x, _) = graph.producer(node.inputs[0], as: Dequantize.self),
      let (w, _) = graph.producer(node.inputs[1], as: Dequantize.self),
      let input = scales(graph[x]), input.count == 1, let weights = scales(graph[w])
    else { return nil }
    var value = node.outputs[0]
    while users[value.index].count == 1, let next = users[value.index].first {
      if graph[next].operation is Quantize {
        return scales(graph[next]).flatMap { $0.first }.map { result in weights.map { $0 * input[0] / result } }
      }
      guard graph[next].operation is UnaryElementwise || graph[next].operation is Clip else { return nil }
      value = graph[next].outputs[0]
    }
    return nil
  }
}
