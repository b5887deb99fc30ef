package import Basic

/// One element of a machine description, as read from XML: a plain value that remembers its line.
package struct MachineElement: Sendable, Hashable {
  package struct Attribute: Sendable, Hashable {
    package var name: String
    package var value: String
  }

  package var name: String
  package var attributes: [Attribute]
  package var children: [MachineElement]
  package var file: String
  package var line: Int

  package var location: SourceLocation { SourceLocation(file: file, line: line) }

  package subscript(attribute name: String) -> String? {
    get { attributes.first { $0.name == name }?.value }
    set {
      if let index = attributes.firstIndex(where: { $0.name == name }) {
        if let newValue { attributes[index].value = newValue } else { attributes.remove(at: index) }
      } else if let newValue {
        attributes.append(Attribute(name: name, value: newValue))
      }
    }
  }

  /// Elements with the same key merge when one file extends another: element name, and `name` attribute if any.
  private var key: String { self[attribute: "name"].map { "\(name)[\($0)]" } ?? name }

  /// This element with another's attributes and children laid over it. An overlay with `replace="true"` takes the place whole.
  package func overlaid(by overlay: MachineElement) -> MachineElement {
    guard overlay[attribute: "replace"].flatMap(Answer.init)?.isYes != true else {
      var whole = overlay
      whole[attribute: "replace"] = nil
      return whole
    }
    var result = self
    result.line = overlay.line
    result.file = overlay.file
    for attribute in overlay.attributes { result[attribute: attribute.name] = attribute.value }
    // What this element said of how an attribute is known does not hold for another value of it.
    let anew = overlay.attributes.map(\.name)
    result.children.removeAll { $0.isStatement && anew.contains($0[attribute: "name"] ?? "") }
    // Each inherited child takes one overlay, so that repeated rows without a name (aliases, table rows) stay apart.
    var open = result.children.map { Optional($0.key) }
    for child in overlay.children {
      if let index = open.firstIndex(of: child.key) {
        open[index] = nil
        result.children[index] = result.children[index].overlaid(by: child)
      } else {
        result.children.append(child)
      }
    }
    return result
  }
}
