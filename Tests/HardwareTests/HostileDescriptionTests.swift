import Basic
import Foundation
import Hardware
import Testing

@Suite("Machine descriptions from strangers")
struct HostileDescriptionTests {
  private func failure(_ xml: String) -> String {
    do {
      _ = try XMLDocument.parse(Array(xml.utf8), file: "t.xml")
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func billionLaughsAreRefused() {
    let entities = (1...9).map { "<!ENTITY l\($0) \"\(String(repeating: "&l\($0 - 1);", count: 10))\">" }.joined()
    let text = failure("<?xml version=\"1.0\"?><!DOCTYPE t [<!ENTITY l0 \"lol\">\(entities)]><target>&l9;</target>")
    #expect(text.contains("error:"))
    #expect(text != "accepted")
  }

  @Test func externalEntitiesAreRefused() {
    let text = failure(
      "<?xml version=\"1.0\"?><!DOCTYPE t [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><target name=\"&x;\" family=\"gpu\"/>")
    #expect(text.contains("t.xml:1: error:"))
    #expect(failure("<!DOCTYPE t><t/>").contains("DOCTYPE is not allowed"))
  }

  @Test func depthAndSizeAreCapped() {
    let deep = String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)
    #expect(failure(deep).contains("nested deeper"))
    #expect(failure("<a>" + String(repeating: " ", count: XMLDocument.sizeLimit) + "</a>").contains("machine descriptions may have"))
  }

  @Test(arguments: ["", "<a", "<a></b>", "<a>&unknown;</a>", "\u{0}", "<a b=1/>"])
  func malformedTextIsOneClearError(_ xml: String) { #expect(failure(xml).hasPrefix("t.xml")) }

  @Test func extendsStaysInsideTheFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cw-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder.appendingPathComponent("gpu"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ name: String, _ text: String) throws {
      try text.write(to: folder.appendingPathComponent("gpu/\(name).xml"), atomically: true, encoding: .utf8)
    }
    try write("outside", "<target name=\"outside\" family=\"gpu\" extends=\"../../etc/passwd\"/>")
    try write("a", "<target name=\"a\" family=\"gpu\" extends=\"b\"/>")
    try write("b", "<target name=\"b\" family=\"gpu\" extends=\"a\"/>")
    try write("typo", "<target name=\"typo\" family=\"gpu\" extends=\"bass\"/>")
    try write("base", "<target name=\"base\" family=\"gpu\"><alias value=\"X\"/><gpu><n value=\"1\"/><m value=\"2\"/></gpu></target>")
    try write("variant", "<target name=\"variant\" family=\"gpu\" extends=\"base\"><gpu><n value=\"3\"/></gpu></target>")
    let catalog = TargetCatalog(folder: folder.path)
    #expect { try catalog.load("outside") } throws: { "\($0)".contains("must be the name of a target") }
    #expect { try catalog.load("a") } throws: { "\($0)".contains("forms a cycle") }
    #expect { try catalog.load(folder.path + "/gpu") } throws: { "\($0)".contains("this is a folder") }
    #expect { try catalog.load(folder.path + "/gpu/none.xml") } throws: { "\($0)".contains("none") }
    #expect { try catalog.load("typo") } throws: { "\($0)".contains("did you mean base?") }
    let variant = try catalog.load("variant")
    #expect(variant.aliases.isEmpty)
    let gpu = try #require(variant.root.children.first)
    #expect(gpu.children.map { $0[attribute: "value"] } == ["3", "2"])
    #expect(try catalog.load("X").name == "base")
  }

  @Test func readerCollectsEveryMistakeWithLineAndHint() throws {
    let element = try XMLDocument.parse(
      Array(
        "<gpu basis=\"documented\" source=\"s\">\n<sm-cuont value=\"108\"/>\n<clock value=\"1.4 GB\"/>\n<l2 value=\"40 MiB\" bais=\"x\"/>\n</gpu>"
          .utf8), file: "t.xml")
    let log = ReadingLog()
    let reader = ElementReader(element, log: log)
    _ = reader.integer("sm-count")
    _ = reader.number("clock", .hertz)
    _ = reader.number("l2", .bytes)
    reader.finish()
    let text = log.diagnostics.map(\.description).joined(separator: "\n")
    #expect(text.contains("<sm-cuont> is there: is it misspelt?"))
    #expect(text.contains("t.xml:3: error: '1.4 GB' in <clock> is not a number with a unit of hertz"))
    #expect(text.contains("t.xml:4: error: <l2> does not know the attribute 'bais' (did you mean basis?)"))
    #expect(text.contains("t.xml:2: error: <gpu> does not know <sm-cuont> (did you mean <sm-count>?)"))
  }

  @Test func overridesNameTheirPathAndKeepTheirBasis() throws {
    let root = try XMLDocument.parse(
      Array("<target name=\"t\" family=\"gpu\"><gpu><clock value=\"1 GHz\" basis=\"documented\" source=\"d\"/></gpu></target>".utf8),
      file: "t.xml")
    var target = TargetFile(name: "t", family: "gpu", aliases: [], summary: "", file: "t.xml", sha256: "", root: root)
    try target.set("gpu.clock=2 GHz")
    let clock = target.root.children[0].children[0]
    #expect(clock[attribute: "value"] == "2 GHz")
    #expect(clock[attribute: "basis"] == "assumed")
    #expect(!target.sha256.isEmpty)
    #expect { try target.set("gpu.clok=1") } throws: { "\($0)".contains("did you mean clock?") }
    #expect { try target.set("gpu") } throws: { "\($0)".contains("expected machine.path=value") }
  }
}
