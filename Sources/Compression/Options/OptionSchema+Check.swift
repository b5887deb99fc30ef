package import Basic

extension OptionSchema {
  /// Everything that is wrong with a mapping, in file order: unknown and repeated keys, missing keys, values of another kind.
  package func check(_ value: OptionValue) -> [Diagnostic] {
    guard case .mapping(let entries) = value.content else {
      if case .null = value.content { return check(OptionValue(.mapping([]), at: value.location)) }
      return [.error("'\(name)' is a mapping of keys, not \(value.kindName)", at: value.location)]
    }
    var found: [Diagnostic] = []
    var seen: Set<String> = []
    for entry in entries {
      guard let key = keys.first(where: { $0.name == entry.key }) else {
        found.append(unknown(entry))
        continue
      }
      guard seen.insert(entry.key).inserted else {
        found.append(.error("the key '\(entry.key)' is given twice", at: entry.location, fix: "remove one"))
        continue
      }
      found += key.kind.check(entry.value, key: entry.key)
    }
    for key in keys where key.isRequired && !seen.contains(key.name) {
      found.append(.error("'\(name)' needs the key '\(key.name)'", at: value.location, fix: key.summary))
    }
    return found
  }

  private func unknown(_ entry: OptionEntry) -> Diagnostic {
    let known = keys.map(\.name)
    let near = nearestSpelling(to: entry.key, in: known).map { "did you mean \($0)?" }
    let list = known.isEmpty ? "it has no keys" : "one of \(known.joined(separator: ", "))"
    return .error("'\(name)' has no key '\(entry.key)'", at: entry.location, fix: near ?? list)
  }
}

extension OptionKind {
  /// What is wrong with a value of this kind.
  package func check(_ value: OptionValue, key: String) -> [Diagnostic] {
    func wrong(_ wanted: String, fix: String? = nil) -> [Diagnostic] {
      [.error("'\(key)' is \(wanted), not \(value.kindName)", at: value.location, fix: fix)]
    }
    switch (self, value.content) {
    case (.flag, .flag), (.text, .text), (.unchecked, _): return []
    case (.integer(let range), .integer(let number)):
      return range.contains(number) ? [] : outside(range, "\(number)", value, key)
    case (.number(let range), .integer(let number)):
      return range.contains(Double(number)) ? [] : outside(range, "\(number)", value, key)
    case (.number(let range), .number(let number)):
      return range.contains(number) ? [] : outside(range, "\(number)", value, key)
    case (.choice(let words), .text(let word)):
      guard !words.contains(word) else { return [] }
      let near = nearestSpelling(to: word, in: words).map { "did you mean \($0)?" }
      return wrong("one of \(words.joined(separator: ", "))", fix: near)
    case (.list(let element), .list(let values)): return values.flatMap { element.check($0, key: key) }
    case (.object(let schema), .mapping), (.object(let schema), .null): return schema.check(value)
    case (.table(let schema), .mapping(let entries)):
      return entries.flatMap { entry in OptionSchema(entry.key, schema.summary, schema.keys).check(entry.value) }
    case (.either(let kinds), _):
      if kinds.contains(where: { $0.check(value, key: key).isEmpty }) { return [] }
      // The complaint of the kind with the right shape says most.
      let complaints = kinds.map { $0.check(value, key: key) }
      return complaints.first { $0.first?.location != value.location } ?? wrong(kinds.map(\.title).joined(separator: " or "))
    default: return wrong(title)
    }
  }

  /// What a value of this kind is called.
  package var title: String {
    switch self {
    case .flag: "true or false"
    case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .text: "text"
    case .choice(let words): "one of \(words.joined(separator: ", "))"
    case .list: "a list"
    case .object, .table: "a mapping of keys"
    case .unchecked(let kind): kind.title
    case .either(let kinds): kinds.map(\.title).joined(separator: " or ")
    }
  }

  private func outside<T>(_ range: ClosedRange<T>, _ text: String, _ value: OptionValue, _ key: String) -> [Diagnostic] {
    [.error("'\(key)' is \(text), outside \(range.lowerBound) to \(range.upperBound)", at: value.location)]
  }
}
