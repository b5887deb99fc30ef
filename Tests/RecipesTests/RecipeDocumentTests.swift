import Basic
import Compression
import Testing

@testable import Recipes

@Suite("Recipe text")
struct RecipeDocumentTests {
  @Test func valuesKeepTheirPlaceAndOrder() throws {
    let value = try RecipeDocument.parse("b: 1\na: [x, 2.5, true]\n", file: "r.yaml")
    #expect(value.entries.map(\.key) == ["b", "a"])
    #expect(value["a"]?.location == SourceLocation(file: "r.yaml", line: 2, column: 4))
    guard case .list(let list)? = value["a"]?.content else { Issue.record("not a list"); return }
    #expect(list.map(\.content) == [.text("x"), .number(2.5), .flag(true)])
  }

  @Test func jsonIsYAML() throws {
    let value = try RecipeDocument.parse(#"{"stages": [{"fold": {"batchnorm": true}}]}"#, file: "r.json")
    guard case .list(let stages)? = value["stages"]?.content else { Issue.record("not a list"); return }
    #expect(stages.first?["fold"]?["batchnorm"]?.content == .flag(true))
  }

  @Test(arguments: ["a: [1", "a: b: c", "\t- x", "a: 1\na: 2"])
  func brokenTextNamesItsLine(_ text: String) {
    let failure = #expect(throws: Failure.self) { try RecipeDocument.parse(text, file: "r.yaml") }
    #expect(failure?.diagnostics.first?.location?.line != nil)
  }

  @Test func misspeltKeysAreNamed() throws {
    let value = try RecipeDocument.parse("batchnrom: true\n", file: "r.yaml")
    let found = FoldStage.schema.check(value)
    #expect(found.map(\.description) == ["r.yaml:1:1: error: 'fold' has no key 'batchnrom' (did you mean batchnorm?)"])
  }
}
