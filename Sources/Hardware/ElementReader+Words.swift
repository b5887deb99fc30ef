internal import Basic

extension ElementReader {
  /// One of the raw values of an enumeration.
  package func choice<Choice: RawRepresentable & CaseIterable>(_ attribute: String, of type: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    let text = string(attribute)
    guard element[attribute: attribute] != nil else { return nil }
    if let value = Choice(rawValue: text) { return value }
    let all = Choice.allCases.map(\.rawValue)
    let near = nearestSpelling(to: text, in: all).map { "did you mean \($0)? It is " } ?? ""
    error("\(attribute)=\"\(text)\" in <\(element.name)> is not known", fix: "\(near)one of \(all.joined(separator: ", "))")
    return nil
  }

  /// As `choice`; nil without an error when the attribute is absent.
  package func optionalChoice<Choice: RawRepresentable & CaseIterable>(_ attribute: String, of type: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    optionalString(attribute) == nil ? nil : choice(attribute, of: type)
  }

  /// `<name value="…"/>` as one of an enumeration's values.
  package func word<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
  where Choice.RawValue == String { child(name)?.ownWord(type) }

  package func optionalWord<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
  where Choice.RawValue == String { optionalChild(name)?.ownWord(type) }

  private func ownWord<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Choice? where Choice.RawValue == String {
    let value = choice("value", of: type)
    finish()
    return value
  }

  /// `<name value="yes"/>`; no when absent.
  package func flag(_ name: String) -> Bool { optionalWord(name, Answer.self)?.isYes ?? false }

  /// A required attribute that says yes or no.
  package func flagAttribute(_ attribute: String) -> Bool { choice(attribute, of: Answer.self)?.isYes ?? false }

  /// An attribute that says yes or no; no when absent.
  package func optionalFlagAttribute(_ attribute: String) -> Bool { optionalChoice(attribute, of: Answer.self)?.isYes ?? false }
}

/// A yes or no as people and as XML Schema write it.
enum Answer: String, CaseIterable {
  case yes, no, `true`, `false`
  case one = "1"
  case zero = "0"

  var isYes: Bool { self == .yes || self == .true || self == .one }
}
