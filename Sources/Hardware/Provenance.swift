/// How the values inside an element are known: its basis and source, and those of single attributes that differ from it.
///
/// `<attribute name="energy" basis="assumed" source="…"/>` says so of that attribute of the element around it and of every element
/// inside that one. The innermost statement about an attribute counts, and goes before the `basis` and `source` of its element, also
/// from further out: it is the more specific of the two.
package struct Provenance: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var basis: String?
    package var source: String?
  }

  /// Of the element's own value and of attributes nothing else is said about.
  package private(set) var element: Entry
  private var attributes: [String: Entry]

  package init(_ element: MachineElement, in outer: Provenance? = nil) {
    self.element = Entry(
      basis: element[attribute: "basis"] ?? outer?.element.basis, source: element[attribute: "source"] ?? outer?.element.source)
    attributes = outer?.attributes ?? [:]
    for statement in element.children where statement.isStatement {
      guard let name = statement[attribute: "name"] else { continue }
      attributes[name] = Entry(basis: statement[attribute: "basis"], source: statement[attribute: "source"])
    }
  }

  /// Of one attribute of the element.
  package func entry(of attribute: String) -> Entry { attributes[attribute] ?? element }
}

extension MachineElement {
  /// True of `<attribute name="…" basis="…" source="…"/>`, which is no part of the machine.
  package var isStatement: Bool { name == "attribute" }

  /// True when this element or one inside it has an attribute of that name.
  func uses(_ attribute: String) -> Bool {
    !isStatement && (self[attribute: attribute] != nil || children.contains { $0.uses(attribute) })
  }
}
