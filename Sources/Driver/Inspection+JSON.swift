internal import Foundation
package import Basic

extension Inspection {
  private struct Document: Encodable {
    var schema = "cyclewright.inspection/1"
    var name, format, producer: String
    var nodes: Int
    var inputs, outputs: [Port]
    var operators: [Line]
    var unbound_dimensions: [String]
    var diagnostics: [Diagnostic]
  }

  package func json() throws(Failure) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let document = Document(
      name: name, format: format, producer: producer, nodes: nodes, inputs: inputs, outputs: outputs, operators: lines,
      unbound_dimensions: unboundDimensions, diagnostics: diagnostics)
    guard let data = try? encoder.encode(document) else { throw Failure("the listing cannot be written as JSON") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
