/// An integer expression over named dimensions, kept as a polynomial so that equal expressions are equal values.
///
/// `n*2 + floor((h - 1)/2)` is a sum of monomials: an integer coefficient times a product of atoms. An atom is a symbol
/// or a rounding quotient, minimum or maximum of two expressions, which stays opaque to the algebra.
package struct SymbolicExpression: Hashable, Sendable {
  package indirect enum Atom: Hashable, Sendable {
    case symbol(String)
    case floorDivide(SymbolicExpression, SymbolicExpression)
    case minimum(SymbolicExpression, SymbolicExpression)
    case maximum(SymbolicExpression, SymbolicExpression)
  }

  package struct Monomial: Hashable, Sendable {
    package var coefficient: Int
    /// Sorted by spelling; empty for the constant term.
    package var factors: [Atom]
  }

  /// Sorted by the spelling of the factors; no zero coefficients; at most one term per product of factors.
  package private(set) var terms: [Monomial]

  package init(_ constant: Int) { terms = constant == 0 ? [] : [Monomial(coefficient: constant, factors: [])] }

  package init(symbol: String) { terms = [Monomial(coefficient: 1, factors: [.symbol(symbol)])] }

  package init(atom: Atom) { terms = [Monomial(coefficient: 1, factors: [atom])] }

  private init(collecting monomials: [Monomial]) {
    // Extents are numbers far more often than sums: they need no table.
    if monomials.count <= 1 || monomials.allSatisfy({ $0.factors.isEmpty }) {
      let sum = monomials.reduce(0) { $0 &+ $1.coefficient }
      terms = sum == 0 ? [] : [Monomial(coefficient: sum, factors: monomials.first?.factors ?? [])]
      return
    }
    var sums: [[Atom]: Int] = [:]
    for monomial in monomials { sums[monomial.factors, default: 0] &+= monomial.coefficient }
    terms = sums.filter { $0.value != 0 }.map { Monomial(coefficient: $0.value, factors: $0.key) }
      .sorted { $0.sortKey < $1.sortKey }
  }

  package var constant: Int? {
    if terms.isEmpty { return 0 }
    return terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil
  }

  package var symbols: Set<String> {
    Set(terms.flatMap { $0.factors.flatMap(\.symbols) })
  }

  package static func + (a: Self, b: Self) -> Self { Self(collecting: a.terms + b.terms) }
  package static func - (a: Self, b: Self) -> Self { a + b * Self(-1) }
  package static func * (a: Self, b: Self) -> Self {
    Self(
      collecting: a.terms.flatMap { x in
        b.terms.map { y in
          Monomial(
            coefficient: x.coefficient.multipliedReportingOverflow(by: y.coefficient).partialValue,
            factors: (x.factors + y.factors).sorted { $0.description < $1.description })
        }
      })
  }

  /// The quotient rounded towards minus infinity; exact division of every term is carried out.
  package func floorDivided(by divisor: Self) -> Self {
    if let d = divisor.constant, d != 0 {
      if let n = constant { return Self(n.flooredQuotient(d)) }
      if terms.allSatisfy({ $0.coefficient % d == 0 }) {
        return Self(collecting: terms.map { Monomial(coefficient: $0.coefficient / d, factors: $0.factors) })
      }
      if d == 1 { return self }
    }
    if self == divisor { return Self(1) }
    if let quotient = exactQuotient(by: divisor) { return quotient }
    return Self(atom: .floorDivide(self, divisor))
  }

  /// Division by a single monomial that divides every term.
  private func exactQuotient(by divisor: Self) -> Self? {
    guard divisor.terms.count == 1, let by = divisor.terms.first, by.coefficient != 0 else { return nil }
    var result: [Monomial] = []
    for term in terms {
      guard term.coefficient % by.coefficient == 0 else { return nil }
      var factors = term.factors
      for factor in by.factors {
        guard let index = factors.firstIndex(of: factor) else { return nil }
        factors.remove(at: index)
      }
      result.append(Monomial(coefficient: term.coefficient / by.coefficient, factors: factors))
    }
    return Self(collecting: result)
  }

  package static func minimum(_ a: Self, _ b: Self) -> Self {
    if let difference = (a - b).constant { return difference <= 0 ? a : b }
    return Self(atom: .minimum(a, b))
  }

  package static func maximum(_ a: Self, _ b: Self) -> Self {
    if let difference = (a - b).constant { return difference >= 0 ? a : b }
    return Self(atom: .maximum(a, b))
  }

  /// Replaces the named symbols; the rest stays symbolic.
  package func bound(_ values: [String: Int]) -> Self {
    if constant != nil { return self }
    return terms.reduce(Self(0)) { sum, term in
      sum + term.factors.reduce(Self(term.coefficient)) { $0 * $1.bound(values) }
    }
  }
}

extension SymbolicExpression.Monomial {
  fileprivate var sortKey: String {
    factors.isEmpty ? "\u{7F}" : factors.map(\.description).joined(separator: "*")
  }
}

extension SymbolicExpression.Atom {
  fileprivate var symbols: Set<String> {
    switch self {
    case .symbol(let name): [name]
    case .floorDivide(let a, let b), .minimum(let a, let b), .maximum(let a, let b): a.symbols.union(b.symbols)
    }
  }

  fileprivate func bound(_ values: [String: Int]) -> SymbolicExpression {
    switch self {
    case .symbol(let name): values[name].map(SymbolicExpression.init) ?? SymbolicExpression(symbol: name)
    case .floorDivide(let a, let b): a.bound(values).floorDivided(by: b.bound(values))
    case .minimum(let a, let b): .minimum(a.bound(values), b.bound(values))
    case .maximum(let a, let b): .maximum(a.bound(values), b.bound(values))
    }
  }
}

extension SymbolicExpression: CustomStringConvertible {
  package var description: String {
    guard !terms.isEmpty else { return "0" }
    var text = ""
    for term in terms {
      let product = term.factors.map(\.description).joined(separator: "*")
      let size = term.coefficient.magnitude
      let body = product.isEmpty ? "\(size)" : size == 1 ? product : "\(size)*\(product)"
      if text.isEmpty { text = (term.coefficient < 0 ? "-" : "") + body } else { text += (term.coefficient < 0 ? " - " : " + ") + body }
    }
    return text
  }
}

extension SymbolicExpression.Atom: CustomStringConvertible {
  package var description: String {
    switch self {
    case .symbol(let name): SymbolicExpression.quoted(name)
    case .floorDivide(let a, let b): "floor(\(a), \(b))"
    case .minimum(let a, let b): "min(\(a), \(b))"
    case .maximum(let a, let b): "max(\(a), \(b))"
    }
  }
}

extension SymbolicExpression {
  /// A plain identifier as it is, any other name in backquotes.
  static func quoted(_ name: String) -> String {
    let plain = name.utf8.enumerated().allSatisfy { index, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."): index > 0
      default: false
      }
    }
    let reserved = ["floor", "min", "max"].contains(name)
    return plain && !name.isEmpty && !reserved ? name : "`" + name.replacing("`", with: "'") + "`"
  }
}

extension Int {
  /// Division rounded towards minus infinity.
  package func flooredQuotient(_ divisor: Int) -> Int {
    let quotient = self / divisor
    return (self % divisor != 0 && (self < 0) != (divisor < 0)) ? quotient - 1 : quotient
  }

  /// `⌈self / divisor⌉` for positive divisors.
  package func ceilingQuotient(_ divisor: Int) -> Int { -((-self).flooredQuotient(divisor)) }
}
