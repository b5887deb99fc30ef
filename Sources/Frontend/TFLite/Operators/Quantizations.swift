internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Operators between ways of storing numbers.
  static let quantizations: [TFLiteMapping] = [
    TFLiteMapping(114, "QUANTIZE") { (node) throws(Failure) in try node.store(try node.real(0)) },
    TFLiteMapping(6, "DEQUANTIZE") { (node) throws(Failure) in
      guard let quantization = try node.quantization(of: node.tensor(0)), let element = try node.result().element else {
        return try node.add(Cast(to: try node.result().element ?? .float32), [try node.stored(0)])
      }
      guard element == .float32 else { throw node.failure("a result of \(element.rawValue) is not read") }
      return try node.dequantization(quantization)
    },
    TFLiteMapping(53, "CAST") { (node) throws(Failure) in
      guard let element = try node.result().element else { throw node.failure("the result holds no numbers") }
      return try node.add(Cast(to: element), [try node.stored(0)])
    },
    TFLiteMapping(124, "DENSIFY") { (node) throws(Failure) in
      // Sparse constants are spread out when they are opened.
      let value = try node.stored(0)
      guard node.builder.rewriter.graph[value].constant != nil else { throw node.failure("its operand must be a constant") }
      if node.builder.owner == nil { node.fold("spread out when the model is read") }
      return value
    },
  ]
}
