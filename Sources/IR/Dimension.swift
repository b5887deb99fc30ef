/// The extent of one axis: a number, or an expression over named dimensions that `--dim` will bind.
package enum Dimension: Hashable, Sendable {
  case constant(Int)
  case symbolic(SymbolicExpression)

  package init(_ expression: SymbolicExpression) {
    self = expression.constant.map(Dimension.constant) ?? .symbolic(expression)
  }

  package static func symbol(_ name: String) -> Dimension { .symbolic(SymbolicExpression(symbol: name)) }

  package var constant: Int? {
    if case .constant(let value) = self { value } else { nil }
  }

  package var expression: SymbolicExpression {
    switch self {
    case .constant(let value): SymbolicExpression(value)
    case .symbolic(let expression): expression
    }
  }

  package static func + (a: Self, b: Self) -> Self {
    if case .constant(let x) = a, case .constant(let y) = b { return .constant(x &+ y) }
    return Dimension(a.expression + b.expression)
  }

  package static func - (a: Self, b: Self) -> Self {
    if case .constant(let x) = a, case .constant(let y) = b { return .constant(x &- y) }
    return Dimension(a.expression - b.expression)
  }

  package static func * (a: Self, b: Self) -> Self {
    if case .constant(let x) = a, case .constant(let y) = b { return .constant(x &* y) }
    return Dimension(a.expression * b.expression)
  }

  /// Rounded towards minus infinity; a division by zero gives zero.
  package func floorDivided(by divisor: Dimension) -> Dimension {
    if case .constant(let x) = self, case .constant(let y) = divisor { return .constant(y == 0 ? 0 : x.flooredQuotient(y)) }
    return Dimension(expression.floorDivided(by: divisor.expression))
  }

  /// Rounded towards plus infinity.
  package func ceilingDivided(by divisor: Dimension) -> Dimension {
    .constant(0) - (.constant(0) - self).floorDivided(by: divisor)
  }

  package static func minimum(_ a: Self, _ b: Self) -> Self { Dimension(.minimum(a.expression, b.expression)) }
  package static func maximum(_ a: Self, _ b: Self) -> Self { Dimension(.maximum(a.expression, b.expression)) }

  package func bound(_ values: [String: Int]) -> Dimension {
    if case .symbolic(let expression) = self { Dimension(expression.bound(values)) } else { self }
  }
}

extension Dimension: ExpressibleByIntegerLiteral, CustomStringConvertible {
  package init(integerLiteral value: Int) { self = .constant(value) }
  package var description: String {
    switch self {
    case .constant(let value): String(value)
    case .symbolic(let expression): expression.description
    }
  }
}
