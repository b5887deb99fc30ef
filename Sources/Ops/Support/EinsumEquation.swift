package import IR

/// The parsed equation of an einsum: which axis label every operand axis carries, and the labels of the result.
package struct EinsumEquation {
  package enum Label: Hashable, Comparable, Sendable {
    /// Axis of an ellipsis, counted from the right.
    case broadcast(Int)
    case letter(Character)
  }

  package let terms: [[Label]]
  package let result: [Label]

  package init(_ text: String, ranks: [Int]) throws(OperatorError) {
    let equation = text.filter { !$0.isWhitespace }
    let sides = equation.split(separator: "->", omittingEmptySubsequences: false)
    let operands = (sides.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
    guard sides.count <= 2, operands.count == ranks.count else {
      throw OperatorError("einsum-operands", "'\(text)' does not name \(ranks.count) operands")
    }
    var terms: [[Label]] = []
    var widest = 0
    for (operand, rank) in zip(operands, ranks) {
      let hidden = rank - operand.count { $0.isLetter }
      guard hidden >= 0, operand.contains("...") || hidden == 0 else {
        throw OperatorError("einsum-rank", "term '\(operand)' does not fit an operand of rank \(rank)")
      }
      widest = max(widest, hidden)
      terms.append(try EinsumEquation.labels(operand, hidden: hidden))
    }
    self.terms = terms
    if sides.count == 2 {
      result = try EinsumEquation.labels(sides[1], hidden: widest)
    } else {
      var uses: [Label: Int] = [:]
      for label in terms.joined() { uses[label, default: 0] += 1 }
      let letters = uses.filter { if case .letter = $0.key { $0.value == 1 } else { false } }.keys.sorted()
      result = (0..<widest).reversed().map(Label.broadcast) + letters
    }
    let known = Set(terms.joined())
    guard result.allSatisfy({ known.contains($0) }), Set(result).count == result.count else {
      throw OperatorError("einsum-result", "the result of '\(text)' names an axis no operand has, or one twice")
    }
  }

  private static func labels(_ term: Substring, hidden: Int) throws(OperatorError) -> [Label] {
    var labels: [Label] = []
    var rest = term
    while let next = rest.first {
      if rest.hasPrefix("...") {
        labels += (0..<hidden).reversed().map(Label.broadcast)
        rest = rest.dropFirst(3)
      } else if next.isLetter {
        labels.append(.letter(next))
        rest = rest.dropFirst()
      } else {
        throw OperatorError("einsum-syntax", "'\(next)' does not belong in an einsum equation")
      }
    }
    return labels
  }

  /// The extent of every label; operands that disagree are an error, extents of 1 broadcast.
  package func extents(_ shapes: [[Dimension]]) throws(OperatorError) -> [Label: Dimension] {
    var extents: [Label: Dimension] = [:]
    for (term, shape) in zip(terms, shapes) {
      for (label, extent) in zip(term, shape) {
        guard let known = extents[label], known != 1 else {
          extents[label] = extent
          continue
        }
        if let a = known.constant, let b = extent.constant, b != 1, a != b {
          throw OperatorError("einsum-extents", "one axis label stands for both \(a) and \(b) elements")
        }
        if extent.constant != nil, extent != 1 { extents[label] = extent }
      }
    }
    return extents
  }
}
