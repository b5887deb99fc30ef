/// A typed index that is never reused: `ID<Node>` and `ID<Value>` cannot be confused.
package struct ID<Tag>: Hashable, Comparable, Sendable, Codable {
  package let index: Int

  @inlinable package init(_ index: Int) { self.index = index }

  @inlinable package static func < (a: ID, b: ID) -> Bool { a.index < b.index }

  package init(from decoder: any Decoder) throws {
    index = try decoder.singleValueContainer().decode(Int.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(index)
  }
}
