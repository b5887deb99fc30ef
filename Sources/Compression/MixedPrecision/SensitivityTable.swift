package import Basic

/// A table of layers with what each number of bits costs and loses, as published studies print them, and the best choice of
/// bits under a budget.
///
/// Columns: `layer`, `hessian_trace`, `delta_w_sq_<b>bit` for every number of bits b, and what budgets are made of:
/// `parameters…` (size: parameters·b/8), `bops` (of 32 × 32 bits; bit operations: bops·b²/32²), `latency_int<b>_ms`.
/// The loss of a layer at b bits is hessian_trace·delta_w_sq (Dong et al.: HAWQ-V2, arXiv:1911.03852, eq. 7).
package struct SensitivityTable: Sendable {
  /// What a budget limits.
  package enum Resource: String, Sendable, CaseIterable { case size, bops, latency }

  package struct Layer: Sendable {
    package let name: String
    /// Loss and costs by bits, in the order of `bits`.
    package let losses: [Double]
    package let costs: [Resource: [Double]]
  }

  /// Ascending.
  package let bits: [Int]
  package let layers: [Layer]
  /// Resources that the table has columns for.
  package let resources: [Resource]

  package init(_ text: String, file: String) throws(Failure) {
    let table = try CommaSeparated(text, file: file)
    let location = SourceLocation(file: file, line: 1)
    func column(_ name: String) -> Int? { table.header.firstIndex(of: name) }
    bits = table.header.compactMap { name in
      name.hasPrefix("delta_w_sq_") && name.hasSuffix("bit") ? Int(name.dropFirst(11).dropLast(3)) : nil
    }.sorted()
    guard let nameColumn = column("layer"), let traceColumn = column("hessian_trace"), bits.count >= 2 else {
      throw Failure(
        "a sensitivity table has the columns layer, hessian_trace and two or more of delta_w_sq_<b>bit", at: location,
        fix: "found \(table.header.joined(separator: ", "))")
    }
    let parameters = table.header.firstIndex { $0.hasPrefix("parameters") }
    let operations = column("bops")
    let latencies = bits.compactMap { column("latency_int\($0)_ms") }
    resources = [(Resource.size, parameters != nil), (.bops, operations != nil), (.latency, latencies.count == bits.count)]
      .filter(\.1).map(\.0)
    var layers: [Layer] = []
    for row in table.rows {
      func number(_ index: Int) throws(Failure) -> Double {
        guard let value = Double(row.cells[index]), value.isFinite, value >= 0 else {
          throw Failure(
            "'\(row.cells[index])' in column \(table.header[index]) is not a number of 0 or more",
            at: SourceLocation(file: file, line: row.line))
        }
        return value
      }
      let trace = try number(traceColumn)
      var losses: [Double] = []
      var costs: [Resource: [Double]] = [:]
      for (index, width) in bits.enumerated() {
        losses.append(trace * (try number(column("delta_w_sq_\(width)bit") ?? traceColumn)))
        let b = Double(width)
        if let parameters { costs[.size, default: []].append(try number(parameters) * b / 8) }
        if let operations { costs[.bops, default: []].append(try number(operations) * b * b / 1024) }
        if latencies.count == bits.count { costs[.latency, default: []].append(try number(latencies[index])) }
      }
      layers.append(Layer(name: String(row.cells[nameColumn]), losses: losses, costs: costs))
    }
    self.layers = layers
    guard !layers.isEmpty else { throw Failure("the table has no rows", at: location) }
  }

  package struct Assignment: Sendable {
    /// Bits of every layer.
    package let bits: [Int]
    package let cost: Double
    package let limit: Double
    /// Σ of what layers above the lowest precision gain; more negative is better.
    package let objective: Double
  }

  /// The best bits when the cost may lie a `share` of the way from all layers at the fewest bits to all at the most.
  ///
  /// - Parameter ties: layers that take the same bits, such as the two sides of a residual sum.
  package func assignment(_ resource: Resource, share: Double, ties: [[Int]]) throws(Failure) -> Assignment {
    guard resources.contains(resource) else {
      throw Failure("the table says nothing about \(resource.rawValue)", fix: "it has \(resources.map(\.rawValue).joined(separator: ", "))")
    }
    let groups = try tied(ties)
    let problem = ChoiceProblem(
      groups.map { group in
        bits.indices.map { choice in
          group.reduce(ChoiceProblem.Choice(cost: 0, loss: 0)) { sum, layer in
            .init(cost: sum.cost + (layers[layer].costs[resource]?[choice] ?? 0), loss: sum.loss + layers[layer].losses[choice])
          }
        }
      })
    let (low, high) = (problem.solution(groups.map { _ in 0 }), problem.solution(groups.map { _ in bits.count - 1 }))
    let limit = low.cost + share * (high.cost - low.cost)
    guard let best = problem.optimum(budget: limit) else { throw Failure("no choice of bits meets the budget") }
    var chosen = [Int](repeating: bits[0], count: layers.count)
    for (group, choice) in zip(groups, best.choices) { for layer in group { chosen[layer] = bits[choice] } }
    return Assignment(bits: chosen, cost: best.cost, limit: limit, objective: best.loss - low.loss)
  }

  /// Every layer in one group, tied layers together, in order of their first layer.
  private func tied(_ ties: [[Int]]) throws(Failure) -> [[Int]] {
    var representative = Array(layers.indices)
    for tie in ties {
      guard let first = tie.min(), tie.allSatisfy(layers.indices.contains) else {
        throw Failure("a tie names a layer beyond the table's \(layers.count)", fix: "layers are counted from 0")
      }
      for layer in tie { representative[layer] = representative[first] }
    }
    return layers.indices.filter { representative[$0] == $0 }.map { first in layers.indices.filter { representative[$0] == first } }
  }
}
