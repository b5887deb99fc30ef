internal import Basic

/// Rebuilds an operator from the named attributes of the text format.
struct AttributeDecoder: Decoder {
  let attributes: [String: AttributeValue]
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// What was wrong with an attribute.
  enum Mismatch: Error {
    case unreadable(String)
    /// A word that an attribute does not have, with those it has.
    case unknown(word: String, attribute: String, known: [String])

    func message(operatorName: String) -> String {
      switch self {
      case .unreadable(let what): return "\(operatorName): \(what)"
      case .unknown(let word, let attribute, _):
        let article = attribute.first.map("aeiou".contains) == true ? "an" : "a"
        return "'\(word)' is not \(article) \(attribute) of \(operatorName)"
      }
    }

    var fix: String? {
      guard case .unknown(let word, _, let known) = self, !known.isEmpty else { return nil }
      return nearestSpelling(to: word, in: known).map { "did you mean \($0)?" } ?? "one of \(known.joined(separator: ", "))"
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Keyed<Key>(attributes: attributes))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Mismatch.unreadable("attributes are not a list") }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Mismatch.unreadable("attributes are not one value") }

  private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let attributes: [String: AttributeValue]
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { attributes.keys.sorted().compactMap(Key.init(stringValue:)) }
    func contains(_ key: Key) -> Bool { attributes[key.stringValue] != nil }
    func decodeNil(forKey key: Key) -> Bool { attributes[key.stringValue] == AttributeValue.none }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
      guard let value = attributes[key.stringValue] else { throw Mismatch.unreadable("attribute '\(key.stringValue)' is missing") }
      return try AttributeDecoder.decode(type, from: value, named: key.stringValue)
    }
    func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: Key) throws -> KeyedDecodingContainer<N> {
      throw Mismatch.unreadable("attribute '\(key.stringValue)' must not be nested")
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      throw Mismatch.unreadable("attribute '\(key.stringValue)' must not be nested")
    }
    func superDecoder() throws -> any Decoder { throw Mismatch.unreadable("operators do not inherit") }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw Mismatch.unreadable("operators do not inherit") }
  }

  fileprivate static func decode<T: Decodable>(_ type: T.Type, from value: AttributeValue, named name: String) throws -> T {
    func fail(_ wanted: String) -> Mismatch { .unreadable("attribute '\(name)' = \(value.text) must be \(wanted)") }
    func cast(_ any: Any, _ wanted: String) throws -> T {
      guard let typed = any as? T else { throw fail(wanted) }
      return typed
    }
    if type == Int.self {
      guard case .integer(let number) = value else { throw fail("an integer") }
      return try cast(number, "an integer")
    }
    if type == Double.self || type == Float.self {
      let number: Double
      switch value {
      case .float(let float): number = float
      case .integer(let integer): number = Double(integer)
      default: throw fail("a number")
      }
      return type == Double.self ? try cast(number, "a number") : try cast(Float(number), "a number")
    }
    if type == Bool.self {
      guard case .bool(let flag) = value else { throw fail("true or false") }
      return try cast(flag, "true or false")
    }
    if type == String.self {
      guard case .string(let text) = value else { throw fail("a string") }
      return try cast(text, "a string")
    }
    do { return try T(from: Nested(value: value, name: name)) } catch is DecodingError {
      guard case .string(let word) = value else { throw fail("of another kind") }
      throw Mismatch.unknown(word: word, attribute: name, known: (type as? any CaseIterable.Type).map { words(of: $0) } ?? [])
    }
  }

  /// The words of an enum that is written as one.
  private static func words<Choice: CaseIterable>(of type: Choice.Type) -> [String] {
    type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
  }

  /// Where enums with raw values, optionals and arrays decode themselves.
  private struct Nested: Decoder {
    let value: AttributeValue
    let name: String
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
      throw Mismatch.unreadable("attribute '\(name)' must not be nested")
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
      guard case .list(let values) = value else { throw Mismatch.unreadable("attribute '\(name)' must be a list") }
      return ListContainer(values: values, name: name)
    }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { Scalar(value: value, name: name) }
  }

  private struct Scalar: SingleValueDecodingContainer {
    let value: AttributeValue
    let name: String
    var codingPath: [any CodingKey] { [] }
    func decodeNil() -> Bool { value == AttributeValue.none }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try AttributeDecoder.decode(type, from: value, named: name) }
  }

  private struct ListContainer: UnkeyedDecodingContainer {
    let values: [AttributeValue]
    let name: String
    var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    init(values: [AttributeValue], name: String) {
      self.values = values
      self.name = name
    }

    mutating func decodeNil() throws -> Bool {
      guard !isAtEnd, values[currentIndex] == AttributeValue.none else { return false }
      currentIndex += 1
      return true
    }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
      guard !isAtEnd else { throw Mismatch.unreadable("attribute '\(name)' is too short") }
      defer { currentIndex += 1 }
      return try AttributeDecoder.decode(type, from: values[currentIndex], named: name)
    }
    mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type) throws -> KeyedDecodingContainer<N> {
      throw Mismatch.unreadable("attribute '\(name)' must not be nested")
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
      throw Mismatch.unreadable("attribute '\(name)' must not be nested")
    }
    mutating func superDecoder() throws -> any Decoder { throw Mismatch.unreadable("attribute '\(name)' must not be nested") }
  }
}
