import Basic
import Foundation
import Hardware
import Testing

@Suite("How attributes are known")
struct ProvenanceTests {
  private static let text = """
    <gpu basis="documented" source="sheet">
    <table><attribute name="energy" basis="assumed" source="rule of thumb"/>
    <row name="a" rate="512" energy="2 pJ"/>
    <row name="b" rate="1024" energy="3 pJ" basis="measured" source="paper"/>
    <row name="c" rate="64" energy="4 pJ"><attribute name="energy" basis="measured" source="fit"/></row>
    </table></gpu>
    """

  private func read(_ element: MachineElement) throws -> [ReadNumber] {
    let log = ReadingLog()
    let gpu = ElementReader(element, log: log)
    let table = try #require(gpu.child("table"))
    for row in table.children("row") {
      _ = row.attribute("rate")
      _ = row.attribute("energy", .joules)
      row.finish()
    }
    table.finish()
    gpu.finish()
    try log.check()
    return log.numbers
  }

  private func read(_ text: String) throws -> [ReadNumber] { try read(XMLDocument.parse(Array(text.utf8), file: "t.xml")) }

  private func lines(_ numbers: [ReadNumber]) -> [String] { numbers.map { "\($0.statement) | \($0.basis) | \($0.source)" } }

  @Test func theInnermostStatementCountsAndGoesBeforeTheRow() throws {
    #expect(
      try lines(read(Self.text)) == [
        "gpu.table.a.rate = 512 | documented | sheet", "gpu.table.a.energy = 2 pJ | assumed | rule of thumb",
        "gpu.table.b.rate = 1024 | measured | paper", "gpu.table.b.energy = 3 pJ | assumed | rule of thumb",
        "gpu.table.c.rate = 64 | documented | sheet", "gpu.table.c.energy = 4 pJ | measured | fit",
      ])
  }

  @Test func numbersOfARowThatAreKnownAlikeStandTogether() throws {
    let numbers = try read("<gpu basis=\"measured\" source=\"s\"><table><row name=\"a\" rate=\"1\" energy=\"2 pJ\"/></table></gpu>")
    #expect(numbers.map(\.statement) == ["gpu.table.a: rate=1 energy=2 pJ"])
  }

  @Test func aVariantDropsWhatItsValueWasSaidOf() throws {
    let base = try XMLDocument.parse(Array(Self.text.utf8), file: "t.xml")
    let variant = try XMLDocument.parse(
      Array("<gpu><table><row name=\"b\" rate=\"2\"/><row name=\"c\" energy=\"5 pJ\"/></table></gpu>".utf8), file: "v.xml")
    let numbers = try lines(read(base.overlaid(by: variant)))
    #expect(numbers.contains("gpu.table.c.energy = 5 pJ | assumed | rule of thumb"))
    #expect(numbers.contains("gpu.table.b.rate = 2 | measured | paper"))
  }

  @Test(arguments: [
    ("<gpu><table><row name=\"a\" rate=\"1\" energy=\"2 pJ\"/></table></gpu>", "rate, energy in <row> does not say how it is known"),
    (
      "<gpu basis=\"assumed\" source=\"s\"><table><attribute name=\"energie\" basis=\"assumed\" source=\"s\"/></table></gpu>",
      "says how 'energie' is known, which nothing in <table> has"
    ),
    (
      "<gpu basis=\"assumed\" source=\"s\"><table><attribute name=\"rate\" source=\"s\"/><row rate=\"1\" energy=\"1 pJ\"/></table></gpu>",
      "<attribute> needs a name, a basis and a source"
    ),
  ])
  func mistakesAreNamed(_ text: String, _ message: String) {
    #expect { try read(text) } throws: { "\($0)".contains(message) }
  }

  @Test func settingAnAttributeMakesItAssumed() throws {
    var target = TargetFile(
      name: "t", family: "gpu", aliases: [], summary: "", file: "t.xml", sha256: "",
      root: try XMLDocument.parse(Array("<target>\(Self.text)</target>".utf8), file: "t.xml"))
    try target.set("table.c.energy=7 pJ")
    try target.set("table.c.energy=8 pJ")
    let numbers = try lines(read(#require(target.root.children.first)))
    #expect(numbers.last == "gpu.table.c.energy = 8 pJ | assumed | --set table.c.energy")
  }
}
