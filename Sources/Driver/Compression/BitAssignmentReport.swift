package import Basic
internal import Compression
internal import Foundation

/// The best numbers of bits for the layers of a sensitivity table under a budget.
package struct BitAssignmentReport: Sendable, Codable {
  package struct Layer: Sendable, Codable, Hashable {
    package var name: String
    package var bits: Int
  }

  package var schema = "cyclewright.bits/1"
  package var table: String
  package var resource: String
  package var share: Double
  package var limit: Double
  package var cost: Double
  /// Σ of trace·(δ(b) − δ(lowest)) over layers; more negative is better.
  package var objective: Double
  package var layers: [Layer]

  /// - Parameters:
  ///   - budget: `size:0.5`: the resource, and how far from the fewest bits everywhere (0) to the most (1) it may go.
  ///   - ties: `4=6` for layers that take the same bits.
  package init(table path: String, budget: String, ties: [String]) throws(Failure) {
    let table = try SensitivityTable(try FileOutput.readText(path, limit: 1 << 26), file: path)
    let parts = budget.split(separator: ":").map(String.init)
    let known = SensitivityTable.Resource.allCases.map(\.rawValue)
    guard parts.count == 2, let resource = SensitivityTable.Resource(rawValue: parts[0]), let share = Double(parts[1]),
      (0...1).contains(share)
    else {
      throw Failure(
        "--budget \(budget) is not understood",
        fix: "write a resource and a share, such as size:0.5; resources are \(known.joined(separator: ", "))")
    }
    var pairs: [[Int]] = []
    for tie in ties {
      let layers = tie.split(separator: "=").map { Int($0) }
      guard layers.count >= 2, !layers.contains(nil) else {
        throw Failure("--tie \(tie) is not understood", fix: "write numbers of layers, such as 4=6")
      }
      pairs.append(layers.compactMap(\.self))
    }
    let found = try table.assignment(resource, share: share, ties: pairs)
    self.table = path
    self.resource = resource.rawValue
    self.share = share
    (limit, cost, objective) = (found.limit, found.cost, found.objective)
    layers = zip(table.layers, found.bits).map { Layer(name: $0.name, bits: $1) }
  }

  package func json() throws(Failure) -> String { try prettyJSON(self) }

  package func text() -> String {
    let digits = layers.map { $0.bits < 10 ? "\($0.bits)" : "(\($0.bits))" }.joined()
    return """
      bits       \(digits)
      objective  \(String(format: "%.6f", objective))
      \(resource.padding(toLength: 9, withPad: " ", startingAt: 0))  \(String(format: "%.6g", cost)) of at most \(String(format: "%.6g", limit))

      """
  }
}
