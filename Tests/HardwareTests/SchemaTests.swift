import Basic
import Foundation
import Hardware
import Testing

@Suite("Schemas of machine descriptions")
struct SchemaTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "targets").path
  static let files = TargetCatalog(folder: folder).files().map(\.path)

  private func violations(_ text: String) throws -> [Diagnostic] {
    try XMLDocument.validate(Array(text.utf8), file: "t.xml", schema: "\(Self.folder)/target.xsd")
  }

  @Test(arguments: files)
  func everyTargetFileIsValid(_ path: String) throws {
    #expect(try violations(String(contentsOfFile: path, encoding: .utf8)).isEmpty)
  }

  /// A schema that lets anything through in one place says nothing there.
  @Test func noElementIsOpen() throws {
    let schemas = try FileManager.default.contentsOfDirectory(atPath: "\(Self.folder)/schema")
    #expect(schemas.count > 5)
    for name in schemas {
      let text = try String(contentsOfFile: "\(Self.folder)/schema/\(name)", encoding: .utf8)
      #expect(!text.contains("<xs:any"), "\(name)")
    }
  }

  /// Every element of a file of each family, misspelt, is a violation that names it.
  @Test(arguments: ["gpu/nvidia-h100-sxm5-80gb", "npu/ethos-u55-256", "npu/ethos-u85-512", "npu/tpu-v1", "fpga/xc7z020"])
  func aMisspeltElementIsAViolation(_ name: String) throws {
    let text = try String(contentsOfFile: "\(Self.folder)/\(name).xml", encoding: .utf8)
    let names = Set(text.matches(of: /<([a-z][a-z0-9-]*) [^>]*\/>/).map { String($0.output.1) })
    #expect(names.count > 15)
    for element in names.sorted() {
      var misspelt = text
      for (before, after) in [("<", " "), ("<", ">"), ("</", ">")] {
        misspelt = misspelt.replacing("\(before)\(element)\(after)", with: "\(before)\(element)x\(after)")
      }
      #expect(try violations(misspelt).contains { $0.message.contains("\(element)x") }, "\(element)")
    }
  }

  @Test func aStatementAboutAnAttributeNeedsItsBasis() throws {
    func target(_ row: String) -> String {
      "<target name=\"t\" family=\"gpu\"><gpu><tensor-cores><instruction name=\"i\" rate=\"1\">\(row)</instruction></tensor-cores></gpu></target>"
    }
    #expect(try violations(target("<attribute name=\"rate\" basis=\"assumed\" source=\"s\"/>")).isEmpty)
    #expect(try !violations(target("<attribute name=\"rate\" source=\"s\"/>")).isEmpty)
    #expect(try !violations(target("<attribute name=\"rate\" basis=\"guessed\" source=\"s\"/>")).isEmpty)
  }
}
