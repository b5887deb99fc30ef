internal import Foundation
package import Basic

/// A machine description after `extends` and `--set`: who it is and its element tree.
package struct TargetFile: Sendable {
  package var name: String
  package var family: String
  /// Other names under which measurements know the device.
  package var aliases: [String]
  /// One line for people.
  package var summary: String
  package var file: String
  /// SHA-256 over the text of the file and of every file it extends.
  package var sha256: String
  package var root: MachineElement

  package init(
    name: String, family: String, aliases: [String], summary: String, file: String, sha256: String, root: MachineElement
  ) {
    self.name = name
    self.family = family
    self.aliases = aliases
    self.summary = summary
    self.file = file
    self.sha256 = sha256
    self.root = root
  }
}

extension TargetFile {
  /// Applies `--set path=value`. A path names elements below the family's, each by its element name or its `name` attribute,
  /// and may end in an attribute: `memory.dram.bandwidth=2.5 TB/s`, `array.rows=32`.
  package mutating func set(_ assignment: String) throws(Failure) {
    guard let equals = assignment.firstIndex(of: "=") else {
      throw Failure("--set \(assignment): expected machine.path=value")
    }
    let path = assignment[..<equals].split(separator: ".").map(String.init)
    let value = String(assignment[assignment.index(after: equals)...])
    guard !path.isEmpty else { throw Failure("--set \(assignment): the path is empty") }
    let whole = String(assignment[..<equals])
    // The family element may be left out: `array.rows` instead of `npu.array.rows`.
    if path[0] != family, path[0] != "fusion", let machine = root.children.firstIndex(where: { $0.name == family }) {
      try root.children[machine].set(path[...], value, whole: whole)
    } else {
      try root.set(path[...], value, whole: whole)
    }
    sha256 = SHA256.hexadecimal(of: sha256 + "\n" + assignment)
  }
}

extension MachineElement {
  fileprivate mutating func set(_ path: ArraySlice<String>, _ value: String, whole: String) throws(Failure) {
    guard let head = path.first else {
      self[attribute: "value"] = value
      self[attribute: "basis"] = Basis.assumed.rawValue
      self[attribute: "source"] = "--set \(whole)"
      return
    }
    // Names may have points of their own, as instructions have: `mma.m16n8k16.f16`.
    for (index, child) in children.enumerated() where !child.isStatement {
      let spellings = [child.name, child[attribute: "name"]].compactMap { $0?.split(separator: ".").map(String.init) }
      guard let name = spellings.first(where: { !$0.isEmpty && path.starts(with: $0) }) else { continue }
      return try children[index].set(path.dropFirst(name.count), value, whole: whole)
    }
    if path.count == 1, self[attribute: head] != nil {
      self[attribute: head] = value
      children.removeAll { $0.isStatement && $0[attribute: "name"] == head }
      var statement = MachineElement(name: "attribute", attributes: [], children: [], file: file, line: line)
      statement[attribute: "name"] = head
      statement[attribute: "basis"] = Basis.assumed.rawValue
      statement[attribute: "source"] = "--set \(whole)"
      children.append(statement)
      return
    }
    let known = children.filter { !$0.isStatement }.map { $0[attribute: "name"] ?? $0.name } + attributes.map(\.name)
    let near = nearestSpelling(to: head, in: known).map { "did you mean \($0)?" }
    throw Failure(
      "--set \(whole): <\(name)> has no '\(head)'", at: location,
      fix: near ?? "it has " + known.prefix(12).joined(separator: ", "))
  }
}
