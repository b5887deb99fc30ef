package import IR

/// Every operator, one line each: what the importer and the text format can read.
package enum OperatorCatalog {
  package static let all: [any Operator.Type] = [
    Convolve.self,
    FusedGroup.self,
    UnaryElementwise.self,
  ]

  /// By IR name.
  package static let byName: [String: any Operator.Type] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// By ONNX domain and type.
  package static let byONNXName: [ONNXName: any ONNXOperator.Type] = Dictionary(
    uniqueKeysWithValues: all.compactMap { $0 as? any ONNXOperator.Type }.flatMap { type in type.onnxNames.map { ($0, type) } })
}
