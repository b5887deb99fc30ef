import Basic
import IR
import Numerics
import Testing

@testable import Compression

@Suite("Sensitivity study")
struct SensitivityStudyTests {
  /// Running only what follows a layer gives what running the whole changed model gives.
  @Test func aStudyOfTailsIsAStudyOfTheModel() throws {
    let model = try Digits.model()
    let batches = try Digits.context(samples: 12).calibration?.batches(of: 5, for: model.graph) ?? []
    let layers = LinearLayer.all(in: model.graph)
    // Out of order: results belong to the layers they were asked for.
    let asked = [layers[6], layers[0], layers[3]]
    let study = SensitivityStudy(.sqnr, bits: [3, 8])
    let found = try study.run(model.graph, asked, batches)
    #expect(found.map(\.name) == asked.map(\.name))
    for (layer, row) in zip(asked, found) {
      for (index, bits) in study.bits.enumerated() {
        let stored = try QuantizationParameters.stored(
          try layer.tensor(in: model.graph), bits: bits, axis: layer.outputAxis, name: layer.name)
        let changed = model.graph.replacing([layer.weight: Constant(stored.tensor)])
        var distance = OutputDistance()
        for batch in batches {
          let exact = try #require(EvaluatorRunner().run(model.graph, batch)[0].tensor)
          distance.add(try #require(EvaluatorRunner().run(changed, batch)[0].tensor), exact: exact)
        }
        #expect(row.losses[index] == distance.relativeNoise)
        #expect(row.losses[index] > 0)
      }
      #expect(row.losses[0] > row.losses[1])
    }
  }

  @Test func aPassThatIsNotThereIsAnError() {
    #expect(throws: Failure.self) { try FoldStage.pass("fold-constant") }
    #expect(throws: Never.self) { try FoldStage.pass("fold-constants") }
  }
}
