import DataflowFPGA
import Testing

struct FoldingSearchTests {
  private func chain() -> PipelineDesign {
    var layers: [LayerSpec] = []
    for (index, (inputs, outputs)) in [(64, 128), (128, 32), (32, 10)].enumerated() {
      var layer = LayerSpec(name: "dense\(index)", kind: .dense)
      (layer.channels, layer.outputChannels, layer.weightBits) = (inputs, outputs, 8)
      layers.append(layer)
    }
    return PipelineDesign(chain: layers, name: "chain", transfer: .stream)
  }

  @Test(arguments: [40, 100, 500, 3000])
  func noLayerIsSlowerThanAskedUnlessItMustBe(cycles: Int) throws {
    let model = try Targets.model("hls4ml-vitis", on: "xc7z020")
    let design = FoldingSearch(model: model, design: chain()).design(cycles: cycles)
    for layer in design.layers { #expect(model.estimate(layer).stage.cyclesPerFrame <= cycles) }
    // One legal factor more on every layer would miss the goal.
    for layer in design.layers {
      let next = ReuseFactor.legal(inputs: layer.kernelInputs, outputs: layer.kernelOutputs).first { $0 > layer.reuse }
      guard let next else { continue }
      var folded = layer
      folded.reuse = next
      #expect(model.estimate(folded).stage.cyclesPerFrame > cycles)
    }
  }

  @Test func theFastestFittingDesignFitsAndALittleFasterDoesNot() throws {
    let model = try Targets.model("hls4ml-vitis", on: "xc7z020")
    let search = FoldingSearch(model: model, design: chain())
    let (best, limit) = try #require(search.fastestFitting())
    #expect(limit.map { $0.demand > $0.bound } == true)
    #expect(search.fits(best))
    let cycles = best.layers.map { model.estimate($0).stage.cyclesPerFrame }.max() ?? 0
    #expect(!search.fits(search.design(cycles: cycles / 2)))
  }
}
