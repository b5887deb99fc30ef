internal import Basic
internal import Hardware
internal import IR

extension ElementReader {
  /// `<name value="i8"/>` as an element type.
  func element(_ name: String) -> ElementType? {
    let text = text(name)
    let type = ElementType(rawValue: text)
    if type == nil, !text.isEmpty { error("<\(name)> names no number format: '\(text)'") }
    return type
  }

  /// A list of words separated by spaces; `*` is the empty list, which means all.
  func names(_ attribute: String) -> Set<String> {
    let words = (optionalString(attribute) ?? "").split(separator: " ").map(String.init)
    return words == ["*"] ? [] : Set(words)
  }

  /// A whole number of at least one.
  func positive(_ name: String, _ unit: Unit = .none) -> Int { integer(name, unit, in: .extents).value }
}
