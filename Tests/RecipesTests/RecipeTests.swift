import Basic
import Compression
import Foundation
import Testing

@testable import Recipes

@Suite("Recipes")
struct RecipeTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func everyShippedRecipeIsRead() throws {
    let folder = Self.root.appendingPathComponent("recipes")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(files.count >= 6)
    for file in files {
      let recipe = try Recipe(String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8), file: file)
      #expect(!recipe.stages.isEmpty)
    }
  }

  /// `docs/recipe.schema.json` is what `compress --schema` prints, and every stage is in it.
  @Test func publishedSchemaIsUpToDate() throws {
    let published = try String(contentsOf: Self.root.appendingPathComponent("docs/recipe.schema.json"), encoding: .utf8)
    #expect(published == JSONSchema.recipe(), "run `cyclewright compress --schema > docs/recipe.schema.json`")
    let document = try JSONSerialization.jsonObject(with: Data(published.utf8)) as? [String: Any]
    let properties = document?["properties"] as? [String: Any]
    #expect(properties?.keys.sorted() == Recipe.schema.keys.map(\.name).sorted())
    for stage in StageCatalog.all { #expect(published.contains("\"\(stage.schema.name)\": {")) }
  }

  /// A pipeline folded layer by layer travels with the recipe, in order.
  @Test func settingsOfTheMachineAreKeptInOrder() throws {
    let text = "version: 1\nmachine:\n  - hls.reuse=64\n  - 'hls.folding=conv1=4, re:.*fc=8'\nstages: [fold]\n"
    #expect(try Recipe(text, file: "r.yaml").machine == ["hls.reuse=64", "hls.folding=conv1=4, re:.*fc=8"])
  }

  static func mistakes(_ text: String) -> [String] {
    do throws(Failure) {
      _ = try Recipe(text, file: "r.yaml")
      return []
    } catch { return error.diagnostics.map(\.description) }
  }

  @Test func mistakesAreNamedWithTheirPlace() {
    #expect(
      Self.mistakes("version: 1\nstages:\n  - quantise: {}\n") == [
        "r.yaml:3:5: error: there is no stage 'quantise' (did you mean quantize?)"
      ])
    #expect(
      Self.mistakes("version: 1\nstages:\n  - quantize:\n      weights: {num_bit: 8}\n")
        == ["r.yaml:4:17: error: 'weights' has no key 'num_bit' (did you mean num_bits?)"])
    #expect(
      Self.mistakes("version: 1\nstages:\n  - quantize:\n      weights: {num_bits: 40}\n")
        == ["r.yaml:4:27: error: 'num_bits' is 40, outside 2 to 16"])
    #expect(Self.mistakes("stages: [fold]\n").contains { $0.contains("needs the key 'version'") })
    #expect(Self.mistakes("version: 2\nstages: [fold]\n").contains { $0.contains("'version' is 2, outside 1 to 1") })
    #expect(Self.mistakes("version: 1\nstages: []\n") == ["r.yaml:2:9: error: the recipe has no stages"])
    #expect(
      Self.mistakes("version: 1\nstages:\n  - quantize: {weights: {}, ignore: ['re:(']}\n").contains {
        $0.contains("not a regular expression")
      })
    #expect(Self.mistakes("").contains { $0.contains("empty") })
  }

  @Test func allMistakesAreToldAtOnce() {
    let found = Self.mistakes("version: 1\nstages:\n  - quantise: {}\n  - fold: {batch: true}\n")
    #expect(found.count == 2)
  }

  @Test func goalsAreReadInOrder() throws {
    let recipe = try Recipe(
      """
      version: 1
      evaluate:
        metrics:
          - {name: top1, goal: {type: max_degradation, value: 0.01}}
          - {name: sqnr_db, warn_below: 26}
          - {name: latency_ms, goal: {type: max, value: 3.5}}
      stages: [fold]
      """, file: "r.yaml")
    #expect(recipe.evaluation?.goals.map(\.metric) == ["top1", "latency_ms"])
    #expect(recipe.evaluation?.goals.map(\.value) == [0.01, 3.5])
    #expect(recipe.evaluation?.warnsBelow == 26)
  }
}
