package import Basic

/// A number of a machine description with how well it is known.
package struct Sourced<Number: Sendable>: Sendable {
  package var value: Number
  package var basis: Basis
  package var source: String

  package init(_ value: Number, basis: Basis, source: String) {
    self.value = value
    self.basis = basis
    self.source = source
  }
}

extension Sourced: Equatable where Number: Equatable {}
extension Sourced: Hashable where Number: Hashable {}

/// Typed reading of one element, with every mistake collected: missing, misspelt, of the wrong unit, or left over.
///
/// A number is a child element `<sm-count value="108" basis="documented" source="…"/>`; `basis` and `source` may stand on
/// an enclosing element instead. Rows of tables use attributes. A reader is used for one pass and then `finish`ed.
package final class ElementReader {
  package let element: MachineElement
  let log: ReadingLog
  private let path: String
  let provenance: Provenance
  // Lists, not sets: an element has a handful of names, most numbers a single one.
  private var read: [String] = []
  var readAttributes: [String] = []
  /// Attributes that are numbers, as they are written, until the element is finished.
  var readNumbers: [(name: String, text: String)] = []
  private static let commonAttributes = ["basis", "source", "note", "name", "replace"]

  package init(_ element: MachineElement, log: ReadingLog) {
    self.element = element
    self.log = log
    path = element.name
    provenance = Provenance(element)
  }

  private init(_ element: MachineElement, parent: ElementReader) {
    self.element = element
    log = parent.log
    path = "\(parent.path).\(element[attribute: "name"] ?? element.name)"
    provenance = Provenance(element, in: parent.provenance)
  }

  /// The `name` attribute, or the element's own name.
  package var name: String { element[attribute: "name"] ?? element.name }

  // MARK: Child elements

  package func has(_ child: String) -> Bool { element.children.contains { $0.name == child } }

  /// The one child of that name; missing is an error.
  package func child(_ name: String) -> ElementReader? {
    read.append(name)
    guard let first = element.children.firstIndex(where: { $0.name == name }) else {
      log.error("<\(element.name)> lacks <\(name)>", element.location, fix: suggestion(for: name))
      return nil
    }
    if let second = element.children[(first + 1)...].first(where: { $0.name == name }) {
      log.error("<\(name)> stands twice in <\(element.name)>", second.location)
    }
    return ElementReader(element.children[first], parent: self)
  }

  package func optionalChild(_ name: String) -> ElementReader? {
    read.append(name)
    return has(name) ? child(name) : nil
  }

  package func children(_ name: String) -> [ElementReader] {
    read.append(name)
    return element.children.filter { $0.name == name }.map { ElementReader($0, parent: self) }
  }

  /// The number in `<name value="…"/>`, in the base unit, of the unit's range if no other is given; NaN after an error.
  package func number(
    _ name: String, _ unit: Unit, in range: ClosedRange<Double>? = nil, orZero: Bool = false
  ) -> Sourced<Double> {
    guard let child = child(name) else { return Sourced(.nan, basis: .assumed, source: "") }
    return child.ownNumber(unit, Bounds(unit, range, orZero: orZero))
  }

  package func optionalNumber(_ name: String, _ unit: Unit, in range: ClosedRange<Double>? = nil) -> Sourced<Double>? {
    read.append(name)
    return has(name) ? number(name, unit, in: range) : nil
  }

  /// A whole number of a range, by default the unit's; the lower bound after an error, of which there is one.
  package func integer(_ name: String, _ unit: Unit = .none, in range: ClosedRange<Int>? = nil) -> Sourced<Int> {
    let bounds = Bounds(unit, whole: range)
    guard let child = child(name) else { return Sourced(bounds.least, basis: .assumed, source: "") }
    let number = child.ownNumber(unit, bounds)
    return Sourced(number.value.isFinite ? Int(number.value) : bounds.least, basis: number.basis, source: number.source)
  }

  package func optionalInteger(_ name: String, _ unit: Unit = .none, in range: ClosedRange<Int>? = nil) -> Sourced<Int>? {
    read.append(name)
    return has(name) ? integer(name, unit, in: range) : nil
  }

  /// A clock in hertz; one gigahertz after an error.
  package func clock(_ name: String) -> Double {
    let value = number(name, .hertz).value
    return value.isFinite ? value : 1e9
  }

  /// The text in `<name value="…"/>`.
  package func text(_ name: String) -> String {
    guard let child = child(name) else { return "" }
    let text = child.string("value")
    child.finish()
    return text
  }

  package func optionalText(_ name: String) -> String? {
    read.append(name)
    return has(name) ? text(name) : nil
  }

  /// This element's own `value` attribute as a number.
  private func ownNumber(_ unit: Unit, _ bounds: Bounds) -> Sourced<Double> {
    let text = string("value")
    let (basis, source) = known(provenance.element, "<\(element.name)>")
    finish()
    guard let value = unit.parse(text) else {
      if element[attribute: "value"] != nil {
        log.error(
          "'\(text)' in <\(element.name)> is not a number with a unit of \(unit.rawValue)", element.location,
          fix: "write for example \"1\(unit.spellings.first.map { $0.name.isEmpty ? "" : " " + $0.name } ?? "")\"")
      }
      return Sourced(.nan, basis: basis, source: source)
    }
    if let problem = bounds.problem(with: value) {
      log.error("<\(element.name)> must be \(problem), not '\(text)'", element.location)
      return Sourced(.nan, basis: basis, source: source)
    }
    log.note([ReadNumber(path: path, text: text, basis: basis, source: source)])
    return Sourced(value, basis: basis, source: source)
  }

  /// Reports a mistake at this element.
  package func error(_ message: String, fix: String? = nil) { log.error(message, element.location, fix: fix) }

  /// Basis and source of a value, `assumed` after an error for each that nobody states.
  func known(_ entry: Provenance.Entry, _ name: String) -> (basis: Basis, source: String) {
    let basis = entry.basis.flatMap(Basis.init(rawValue:))
    if basis == nil {
      error("\(name) does not say how it is known", fix: "add basis=\"\(Basis.allCases.map(\.rawValue).joined(separator: "|"))\"")
    }
    if entry.source == nil { error("\(name) does not name its source", fix: "add source=\"…\"") }
    return (basis ?? .assumed, entry.source ?? "")
  }

  /// Notes the numbers among the attributes and reports everything that nobody read: a misspelt name must not be silently ignored.
  package func finish() {
    noteAttributes(path)
    checkStatements()
    for attribute in element.attributes where !(readAttributes.contains(attribute.name) || Self.commonAttributes.contains(attribute.name)) {
      let near = nearestSpelling(to: attribute.name, in: Set(readAttributes + Self.commonAttributes).sorted())
      log.error(
        "<\(element.name)> does not know the attribute '\(attribute.name)'", element.location,
        fix: near.map { "did you mean \($0)?" })
    }
    for child in element.children where !read.contains(child.name) && !child.isStatement {
      let near = nearestSpelling(to: child.name, in: Set(read + ["attribute"]).sorted())
      log.error("<\(element.name)> does not know <\(child.name)>", child.location, fix: near.map { "did you mean <\($0)>?" })
    }
  }

  private func suggestion(for name: String) -> String? {
    nearestSpelling(to: name, in: element.children.map(\.name)).map { "<\($0)> is there: is it misspelt?" }
  }
}
