/// Turns the stored properties of an operator into named attributes, in declaration order.
struct AttributeEncoder {
  static func encode(_ operation: some Encodable) throws -> [(name: String, value: AttributeValue)] {
    let sink = Sink()
    try operation.encode(to: Root(sink: sink))
    return sink.attributes
  }

  private final class Sink {
    var attributes: [(name: String, value: AttributeValue)] = []
  }

  private struct Root: Encoder {
    let sink: Sink
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
      KeyedEncodingContainer(Keyed<Key>(sink: sink))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { ListContainer(box: ListBox()) }
    func singleValueContainer() -> any SingleValueEncodingContainer { ScalarContainer(box: ScalarBox()) }
  }

  private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let sink: Sink
    var codingPath: [any CodingKey] { [] }
    mutating func encodeNil(forKey key: Key) { sink.attributes.append((key.stringValue, .none)) }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
      sink.attributes.append((key.stringValue, try AttributeEncoder.value(value)))
    }
    mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: Key) -> KeyedEncodingContainer<N> {
      KeyedEncodingContainer(Keyed<N>(sink: sink))
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { ListContainer(box: ListBox()) }
    mutating func superEncoder() -> any Encoder { Root(sink: sink) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { Root(sink: sink) }
  }

  fileprivate static func value(_ value: some Encodable) throws -> AttributeValue {
    switch value {
    case let value as Int: return .integer(value)
    case let value as Double: return .float(value)
    case let value as Float: return .float(Double("\(value)") ?? Double(value))
    case let value as Bool: return .bool(value)
    case let value as String: return .string(value)
    default:
      let box = ScalarBox()
      try value.encode(to: Nested(box: box))
      return box.list.map { .list($0.values) } ?? box.value
    }
  }

  private final class ScalarBox {
    var value = AttributeValue.none
    var list: ListBox?
  }

  private final class ListBox {
    var values: [AttributeValue] = []
  }

  /// Where enums with raw values, optionals and arrays encode themselves.
  private struct Nested: Encoder {
    let box: ScalarBox
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
      KeyedEncodingContainer(Keyed<Key>(sink: Sink()))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
      let list = ListBox()
      box.list = list
      return ListContainer(box: list)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer { ScalarContainer(box: box) }
  }

  private struct ScalarContainer: SingleValueEncodingContainer {
    let box: ScalarBox
    var codingPath: [any CodingKey] { [] }
    mutating func encodeNil() { box.value = .none }
    mutating func encode<T: Encodable>(_ value: T) throws { box.value = try AttributeEncoder.value(value) }
  }

  private struct ListContainer: UnkeyedEncodingContainer {
    let box: ListBox
    var codingPath: [any CodingKey] { [] }
    var count: Int { box.values.count }
    mutating func encodeNil() { box.values.append(.none) }
    mutating func encode<T: Encodable>(_ value: T) throws { box.values.append(try AttributeEncoder.value(value)) }
    mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type) -> KeyedEncodingContainer<N> {
      KeyedEncodingContainer(Keyed<N>(sink: Sink()))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { ListContainer(box: ListBox()) }
    mutating func superEncoder() -> any Encoder { Nested(box: ScalarBox()) }
  }
}
