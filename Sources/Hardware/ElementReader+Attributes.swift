package import Basic

extension ElementReader {
  /// A required attribute as text.
  package func string(_ attribute: String) -> String {
    readAttributes.append(attribute)
    guard let text = element[attribute: attribute] else {
      log.error("<\(element.name)> lacks the attribute \(attribute)", element.location)
      return ""
    }
    return text
  }

  package func optionalString(_ attribute: String) -> String? {
    readAttributes.append(attribute)
    return element[attribute: attribute]
  }

  /// A required attribute as a number in the base unit, of the unit's range if no other is given; NaN after an error.
  package func attribute(_ name: String, _ unit: Unit = .none, in range: ClosedRange<Double>? = nil) -> Double {
    attribute(name, unit, Bounds(unit, range))
  }

  package func optionalAttribute(_ name: String, _ unit: Unit = .none, in range: ClosedRange<Double>? = nil) -> Double? {
    readAttributes.append(name)
    return element[attribute: name] == nil ? nil : attribute(name, unit, in: range)
  }

  /// A required attribute as a whole number of a range, by default zero to a thousand million; the lower bound after an error.
  package func integerAttribute(_ name: String, in range: ClosedRange<Int>? = nil) -> Int {
    let bounds = Bounds(.none, whole: range)
    let value = attribute(name, .none, bounds)
    return value.isFinite ? Int(value) : bounds.least
  }

  package func optionalIntegerAttribute(_ name: String, in range: ClosedRange<Int>? = nil) -> Int? {
    readAttributes.append(name)
    return element[attribute: name] == nil ? nil : integerAttribute(name, in: range)
  }

  private func attribute(_ name: String, _ unit: Unit, _ bounds: Bounds) -> Double {
    let text = string(name)
    guard element[attribute: name] != nil else { return .nan }
    guard let value = unit.parse(text) else {
      error("\(name)=\"\(text)\" in <\(element.name)> is not a number with a unit of \(unit.rawValue)")
      return .nan
    }
    if let problem = bounds.problem(with: value) {
      error("\(name) in <\(element.name)> must be \(problem), not '\(text)'")
      return .nan
    }
    readNumbers.append((name, text))
    return value
  }

  /// Puts the numbers read from attributes into the log: those that are known alike stand in one row.
  func noteAttributes(_ path: String) {
    var rows: [(known: Provenance.Entry, numbers: [(name: String, text: String)])] = []
    for number in readNumbers {
      let known = provenance.entry(of: number.name)
      if let row = rows.firstIndex(where: { $0.known == known }) {
        rows[row].numbers.append(number)
      } else {
        rows.append((known, [number]))
      }
    }
    readNumbers = []
    for row in rows {
      let (basis, source) = known(row.known, "\(row.numbers.map(\.name).joined(separator: ", ")) in <\(element.name)>")
      let isRow = row.numbers.count > 1
      log.note([
        ReadNumber(
          path: isRow ? path : "\(path).\(row.numbers[0].name)",
          text: isRow ? row.numbers.map { "\($0.name)=\($0.text)" }.joined(separator: " ") : row.numbers[0].text, isRow: isRow,
          basis: basis, source: source)
      ])
    }
  }

  /// A statement about an attribute names one that is there, once, with both its basis and its source.
  func checkStatements() {
    var names: [String] = []
    for statement in element.children where statement.isStatement {
      guard let name = statement[attribute: "name"], Basis(rawValue: statement[attribute: "basis"] ?? "") != nil,
        statement[attribute: "source"] != nil
      else {
        log.error("<attribute> needs a name, a basis and a source", statement.location)
        continue
      }
      if names.contains(name) { log.error("<\(element.name)> says twice how '\(name)' is known", statement.location) }
      names.append(name)
      if !element.uses(name) {
        log.error("<attribute> says how '\(name)' is known, which nothing in <\(element.name)> has", statement.location)
      }
    }
  }
}
