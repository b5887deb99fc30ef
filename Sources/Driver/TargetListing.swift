internal import Lowering
package import Basic
package import Hardware

/// Text views of the targets folder.
package struct TargetListing: Sendable {
  private let catalog: TargetCatalog

  package init(_ catalog: TargetCatalog) { self.catalog = catalog }

  /// Name, family, summary and aliases of every machine.
  package func text() throws(Failure) -> String {
    var table = TextTable([("family", .left), ("name", .left), ("summary", .left), ("aliases", .left)])
    var rows: [[String]] = []
    for file in catalog.files() {
      let target = try catalog.load(path: file.path)
      rows.append([target.family, target.name, target.summary, target.aliases.joined(separator: ", ")])
    }
    guard !rows.isEmpty else { throw Failure("no machine descriptions in \(catalog.folder)") }
    for row in rows.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) { table.add(row) }
    return table.render() + "\n"
  }

  /// The tree of numbers, each with basis and source.
  package func show(_ target: TargetFile) throws(Failure) -> String {
    var text = "\(target.name)  \(target.summary)\nfamily \(target.family)  file \(target.file)  sha256 \(target.sha256.prefix(12))\n"
    if !target.aliases.isEmpty { text += "also known as \(target.aliases.joined(separator: ", "))\n" }
    let machine = try MachineCatalog.machine(for: target)
    text +=
      "default precision \(machine.defaultPrecision.rawValue); contraction formats \(machine.capabilities.contractionTypes.sorted().joined(separator: ", "))"
    if !machine.capabilities.sparsities.isEmpty { text += "; sparsity \(machine.capabilities.sparsities.sorted().joined(separator: ", "))" }
    text += "\n\n"
    var table = TextTable([("number", .left), ("value", .left), ("basis", .left), ("source", .left)])
    // Sources are read here and nowhere else: nothing is cut.
    table.cutsLongCells = false
    for child in target.root.children where child.name != "alias" { Self.add(child, in: target.root, path: "", within: nil, to: &table) }
    return text + table.render() + "\n"
  }

  /// Lines of an element and of those below it, under the path that `--set` takes. Rows of a table without names, such as tiles, are
  /// a line for all that is known alike; of any other element every attribute is one.
  private static func add(
    _ element: MachineElement, in parent: MachineElement, path: String, within outer: Provenance?, to table: inout TextTable
  ) {
    let name = element[attribute: "name"] ?? element.name
    let path = path.isEmpty ? name : "\(path).\(name)"
    let provenance = Provenance(element, in: outer)
    func add(_ path: String, _ value: String, _ known: Provenance.Entry) {
      table.add([path, value, known.basis ?? "", known.source ?? ""])
    }
    if let note = element[attribute: "note"] { table.add([path, "", "note", note]) }
    if let value = element[attribute: "value"] { add(path, value, provenance.element) }
    var rest = element.attributes.filter { !["basis", "source", "name", "note", "value"].contains($0.name) }
    let isRow = element[attribute: "name"] == nil && parent.children.count { $0.name == element.name } > 1
    while isRow, let first = rest.first {
      let known = provenance.entry(of: first.name)
      let alike = rest.filter { provenance.entry(of: $0.name) == known }
      add(path, alike.map { "\($0.name)=\($0.value)" }.joined(separator: " "), known)
      rest.removeAll { provenance.entry(of: $0.name) == known }
    }
    for attribute in rest { add("\(path).\(attribute.name)", attribute.value, provenance.entry(of: attribute.name)) }
    for child in element.children where !child.isStatement { Self.add(child, in: element, path: path, within: provenance, to: &table) }
  }
}
