import Basic
import Compression
import Foundation
import Frontend
import IR
import Numerics
import Testing

/// The digits network of the fixtures (91.79 % in float32), compressed and evaluated on its test images.
enum Digits {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures").path

  static func model() throws -> CompressedModel {
    CompressedModel(try ModelLoader.load(path: "\(folder)/digits-resnet.onnx", dimensions: [:]))
  }

  /// - Parameter samples: calibration images, the first ones.
  static func context(samples: Int) throws -> CompressionContext {
    let archive = try TensorArchive(path: "\(folder)/digits-calibration.npz")
    let set = try SampleSet(archive.entries.map { ($0.name, $0.tensor) }, source: "digits-calibration.npz")
    return CompressionContext(calibration: set.prefix(samples))
  }

  /// Share of the test images that are named rightly.
  static func accuracy(_ graph: Graph) throws -> Double {
    let archive = try TensorArchive(path: "\(folder)/digits-test.npz")
    let labels = try #require(archive["label"]).integers()
    let images = try #require(archive["x"])
    let logits = try #require(Evaluator().run(graph, inputs: [.tensor(images)])[0].tensor)
    let (scores, classes) = (try logits.doubles(), logits.shape[1])
    let right = labels.indices.count { index in
      let row = scores[(index * classes)..<((index + 1) * classes)]
      return row.max().flatMap { row.firstIndex(of: $0) }.map { $0 - index * classes } == Int(labels[index])
    }
    return Double(right) / Double(labels.count)
  }

  /// A stage from keys and values as a recipe has them.
  static func stage<Stage: CompressionStage>(_ type: Stage.Type, _ options: [(String, OptionValue.Content)]) throws -> Stage {
    let place = SourceLocation(file: "recipe.yaml", line: 1)
    let value = OptionValue(.mapping(options.map { OptionEntry($0.0, at: place, OptionValue($0.1, at: place)) }), at: place)
    return try Stage(OptionReader(value, schema: Stage.schema))
  }
}

@Suite struct DigitsSparsityTests {
  private func sparse(_ method: String, biasCorrection: Bool, samples: Int = 96) throws -> Graph {
    var model = try Digits.model()
    let stage = try Digits.stage(
      SparsifyStage.self,
      [
        ("pattern", .text("2:4")), ("method", .text(method)), ("bias_correction", .flag(biasCorrection)),
        ("targets", .list([OptionValue(.text("Conv"), at: SourceLocation(file: "recipe.yaml"))])),
      ])
    try stage.apply(&model, try Digits.context(samples: samples))
    return model.graph
  }

  /// Without correction a mask destroys the model; the sweep keeps it within a few points.
  @Test func correctionKeepsAccuracy() throws {
    #expect(try Digits.accuracy(try sparse("magnitude", biasCorrection: false)) < 0.5)
    let swept = try sparse("sparsegpt", biasCorrection: true)
    #expect(try Digits.accuracy(swept) > 0.9179 - 0.045)
    let layers = LinearLayer.all(in: swept).filter { swept.tensorType($0.weight)?.encoding.sparsity == .structured(kept: 2, of: 4) }
    // Every convolution but the stem, which has one input channel.
    #expect(layers.count == 8)
    for layer in layers {
      #expect(SparsityLegality.violation(layer, try layer.matrices(try layer.tensor(in: swept)), .structured(kept: 2, of: 4)) == nil)
    }
  }

  @Test func sameInputSameBytes() throws {
    func bytes() throws -> [[UInt8]] {
      let graph = try sparse("sparsegpt", biasCorrection: true, samples: 32)
      return graph.valueIDs.compactMap { graph[$0].constant.flatMap { Tensor($0)?.packedBytes } }
    }
    #expect(try bytes() == bytes())
  }

  @Test func withoutATargetNothingCanBeFaster() throws {
    var model = try Digits.model()
    let stage = try Digits.stage(SparsifyStage.self, [("pattern", .text("2:4")), ("only_if_faster", .flag(true))])
    #expect(throws: Failure.self) { try stage.apply(&model, try Digits.context(samples: 32)) }
  }

  private struct NeverFaster: LatencyOracle {
    func estimate(_ graph: Graph) throws(Failure) -> LatencyEstimate { LatencyEstimate(seconds: 1, layers: [:]) }
  }

  @Test func layersStayDenseWhenItDoesNotPay() throws {
    var model = try Digits.model()
    let stage = try Digits.stage(SparsifyStage.self, [("pattern", .text("2:4")), ("only_if_faster", .flag(true))])
    var context = try Digits.context(samples: 32)
    context.latency = NeverFaster()
    try stage.apply(&model, context)
    #expect(model.graph.valueIDs.allSatisfy { model.graph.tensorType($0)?.encoding.sparsity ?? .dense == .dense })
    #expect(model.records.contains { $0.reason?.contains("not faster") == true })
  }
}

@Suite struct DigitsChannelTests {
  private func pruned(_ ratio: OptionValue.Content, reconstruct: String = "least_squares", of: String = "channels", samples: Int = 96)
    throws -> Graph
  {
    var model = try Digits.model()
    let stage = try Digits.stage(PruneChannelsStage.self, [("ratio", ratio), ("of", .text(of)), ("reconstruct", .text(reconstruct))])
    try stage.apply(&model, try Digits.context(samples: samples))
    return model.graph
  }

  @Test func refittingKeepsAccuracy() throws {
    let bare = try pruned(.number(0.4), reconstruct: "none")
    let fitted = try pruned(.number(0.4))
    #expect(try Digits.accuracy(bare) + 0.2 < Digits.accuracy(fitted))
    #expect(try Digits.accuracy(fitted) > 0.9179 - 0.09)
    #expect(fitted.verify().isEmpty && fitted.verifyTypes().isEmpty)
    let share = Double(AxisCut([]).parameters(of: fitted)) / Double(AxisCut([]).parameters(of: try Digits.model().graph))
    #expect(share > 0.6 && share < 0.63)
  }

  @Test func shareOfParametersIsMet() throws {
    let whole = AxisCut([]).parameters(of: try Digits.model().graph)
    let left = AxisCut([]).parameters(of: try pruned(.number(0.3), reconstruct: "none", of: "params", samples: 32))
    #expect(Double(left) <= 0.7 * Double(whole) + 1)
    #expect(Double(left) > 0.66 * Double(whole))
  }

  @Test func stagesEndWhereOneStepDoes() throws {
    let steps = try pruned(
      .list([0.1, 0.25].map { OptionValue(.number($0), at: SourceLocation(file: "r")) }), reconstruct: "none", samples: 32)
    let once = try pruned(.number(0.25), reconstruct: "none", samples: 32)
    #expect(AxisCut([]).parameters(of: steps) == AxisCut([]).parameters(of: once))
  }
}
