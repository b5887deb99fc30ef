import DataflowFPGA
import Testing

/// The synthesis report's own counting of logic.
struct ReportedLogicTests {
  private func stage(_ kind: LayerSpec.Kind, _ channels: Int, size: Int = 8, transfer: Transfer = .stream) -> LayerSpec {
    var layer = LayerSpec(name: "stage", kind: kind)
    (layer.height, layer.width, layer.channels) = (size, size, channels)
    (layer.outputHeight, layer.outputWidth, layer.outputChannels) = (size, size, channels)
    layer.transfer = transfer
    return layer
  }

  /// 33 LUT per 16-bit channel of a border of one word and 165 of control, whatever the channels; half of that for 8 bits.
  @Test(arguments: [3, 4, 16, 64])
  func bordersAreLinesInTheChannels(channels: Int) throws {
    let model = try Targets.model("hls4ml-vivado-kernel-window")
    var layer = stage(.padding, channels)
    (layer.padTop, layer.padLeft) = (1, 1)
    (layer.outputHeight, layer.outputWidth) = (10, 10)
    #expect(model.estimate(layer).reported.lut == 165 + 33 * channels)
    #expect(model.estimate(layer).reported.ff == 27)
    layer.dataBits = 8
    #expect(model.estimate(layer).reported.lut == Int((165 + 16.5 * Double(channels)).rounded()))
  }

  /// Ways to make windows differ thirteen times in what pooling costs, and only in the reported account.
  @Test func poolingDependsOnTheImplementation() throws {
    var layer = stage(.pool, 32)
    (layer.kernelHeight, layer.kernelWidth, layer.strideHeight, layer.strideWidth) = (2, 2, 2, 2)
    (layer.outputHeight, layer.outputWidth) = (4, 4)
    let buffered = try Targets.model("hls4ml-vivado-line-buffer").estimate(layer)
    let merged = try Targets.model("hls4ml-vivado-line-buffer-merged").estimate(layer)
    #expect(buffered.reported.lut == 360 + 1788 * 32 && merged.reported.lut == 346 + 137 * 32)
    #expect(buffered.synthesised.lut == merged.synthesised.lut)
  }

  /// Laws of streams say nothing of stages between registers, and the other way round.
  @Test func lawsAreThoseOfTheTransfer() throws {
    let model = try Targets.model("hls4ml-vitis")
    let unrolled = model.estimate(stage(.softmax, 4, size: 1, transfer: .parallel)).reported
    let streamed = model.estimate(stage(.softmax, 4, size: 1)).reported
    #expect(unrolled.lut == 165 * 4 - 137)
    #expect(streamed.lut != unrolled.lut)
  }

  /// Every channel of every FIFO is counted: the whole design is its stages and its FIFOs.
  @Test func designsAreStagesAndFIFOs() throws {
    let model = try Targets.model("hls4ml-vivado-line-buffer")
    let layers = [stage(.activation, 8), stage(.scaled, 8), stage(.scaled, 8)]
    let estimate = try model.estimate(PipelineDesign(chain: layers, name: "chain", transfer: .stream))
    let stages = estimate.layers.reduce(0) { $0 + $1.reported.lut }
    #expect(estimate.reported.lut == stages + 2 * Int((41.4 * 8).rounded()))
  }
}
