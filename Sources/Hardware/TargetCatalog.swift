internal import Foundation
package import Basic

/// The folder of machine descriptions: finds one by name, alias or path and resolves `extends` inside the folder only.
package struct TargetCatalog: Sendable {
  package let folder: String

  package init(folder: String) { self.folder = folder }

  /// Every description under the folder, sorted by name, without reading their contents.
  package func files() -> [(name: String, path: String)] {
    let manager = FileManager.default
    var result: [(name: String, path: String)] = []
    for family in ((try? manager.contentsOfDirectory(atPath: folder)) ?? []).sorted() {
      for file in ((try? manager.contentsOfDirectory(atPath: "\(folder)/\(family)")) ?? []).sorted() where file.hasSuffix(".xml") {
        result.append((String(file.dropLast(4)), "\(folder)/\(family)/\(file)"))
      }
    }
    return result.sorted { $0.name < $1.name }
  }

  /// Loads by path (anything with a slash or ending in .xml), by file name, by alias, or by either in another spelling.
  package func load(_ nameOrPath: String) throws(Failure) -> TargetFile {
    if nameOrPath.contains("/") || nameOrPath.hasSuffix(".xml") { return try load(path: nameOrPath) }
    let files = files()
    if let hit = files.first(where: { $0.name == nameOrPath }) { return try load(path: hit.path) }
    var loosely: TargetFile?
    let wanted = looseSpelling(nameOrPath)
    for file in files {
      guard let target = try? load(path: file.path) else { continue }
      if target.aliases.contains(nameOrPath) { return target }
      if loosely == nil, ([target.name] + target.aliases).contains(where: { looseSpelling($0) == wanted }) { loosely = target }
    }
    if let loosely { return loosely }
    let near = likelyNames(for: nameOrPath, in: files.map(\.name))
    throw Failure(
      "no target named '\(nameOrPath)' in \(folder)",
      fix: near.map { "did you mean \($0)?" } ?? "see 'cyclewright target list'")
  }

  package func load(path: String) throws(Failure) -> TargetFile {
    var hash = ""
    let root = try read(path, extending: [], hash: &hash)
    guard let name = root[attribute: "name"], let family = root[attribute: "family"] else {
      throw Failure("<target> needs the attributes name and family", at: root.location)
    }
    return TargetFile(
      name: name, family: family,
      aliases: root.children.filter { $0.name == "alias" }.compactMap { $0[attribute: "value"] },
      summary: root[attribute: "summary"] ?? "", file: path, sha256: SHA256.hexadecimal(of: hash), root: root)
  }

  /// Reads one file and what it extends; `chain` holds the files being read, to find cycles.
  private func read(_ path: String, extending chain: [String], hash: inout String) throws(Failure) -> MachineElement {
    guard !chain.contains(path), chain.count < 8 else {
      throw Failure("extends forms a cycle: \((chain + [path]).joined(separator: " → "))", at: SourceLocation(file: path))
    }
    let text = try Self.contents(of: path)
    hash += String(decoding: text, as: UTF8.self)
    let element = try XMLDocument.parse(text, file: path)
    guard element.name == "target" else {
      throw Failure("the root element is <\(element.name)>, not <target>", at: element.location)
    }
    guard let base = element[attribute: "extends"] else { return element }
    guard !base.contains("/"), !base.contains("\\"), !base.contains("..") else {
      throw Failure("extends=\"\(base)\" must be the name of a target in the targets folder", at: element.location)
    }
    guard let file = files().first(where: { $0.name == base }) else {
      let near = nearestSpelling(to: base, in: files().map(\.name))
      throw Failure("extends=\"\(base)\": no such target", at: element.location, fix: near.map { "did you mean \($0)?" })
    }
    var overlay = element
    overlay[attribute: "extends"] = nil
    var parent = try read(file.path, extending: chain + [path], hash: &hash)
    // A variant is another device: it does not answer to its parent's aliases.
    parent.children.removeAll { $0.name == "alias" }
    return parent.overlaid(by: overlay)
  }

  private static func contents(of path: String) throws(Failure) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw Failure(
        "cannot open the target file", at: SourceLocation(file: path), fix: "check the path; 'cyclewright target list' shows the names")
    }
    defer { try? handle.close() }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw Failure("this is a folder", at: SourceLocation(file: path), fix: "name a target file in it, or a target")
    }
    do { return [UInt8](try handle.read(upToCount: XMLDocument.sizeLimit + 1) ?? Data()) } catch {
      throw Failure("cannot read the target file: \(error.localizedDescription)", at: SourceLocation(file: path))
    }
  }
}
