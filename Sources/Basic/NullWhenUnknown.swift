/// A number that may be unknown: `null` in JSON, so that tools see that it is unknown rather than absent or zero.
@propertyWrapper
package struct NullWhenUnknown<Value: Codable & Sendable & Hashable>: Sendable, Codable, Hashable {
  package var wrappedValue: Value?

  package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}

extension KeyedDecodingContainer {
  /// Results of before, which left the key out, are read alike. Synthesised initialisers find this by its type.
  package func decode<Value>(_ type: NullWhenUnknown<Value>.Type, forKey key: Key) throws -> NullWhenUnknown<Value> {
    NullWhenUnknown(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
  }
}
