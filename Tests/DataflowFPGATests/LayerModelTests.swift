import DataflowFPGA
import Engine
import Testing

struct LayerModelTests {
  private func dense(_ inputs: Int, _ outputs: Int, reuse: Int, bits: Int = 16, strategy: Strategy = .resource)
    -> LayerSpec
  {
    var layer = LayerSpec(name: "dense", kind: .dense)
    (layer.channels, layer.outputChannels, layer.reuse, layer.weightBits, layer.strategy) = (
      inputs, outputs, reuse, bits, strategy
    )
    return layer
  }

  private func convolution(size: Int, kernel: Int, from inputs: Int, to outputs: Int, reuse: Int, stride: Int = 1)
    -> LayerSpec
  {
    var layer = LayerSpec(name: "conv", kind: .convolution)
    (layer.height, layer.width, layer.channels, layer.outputChannels) = (size, size, inputs, outputs)
    (layer.kernelHeight, layer.kernelWidth, layer.strideHeight, layer.strideWidth) = (kernel, kernel, stride, stride)
    layer.outputHeight = (size - kernel) / stride + 1
    layer.outputWidth = layer.outputHeight
    layer.reuse = reuse
    return layer
  }

  @Test(arguments: [1, 4, 9, 36, 288])
  func aConvolutionStreamCostsReuseOnlyWhereAWindowIsComplete(reuse: Int) throws {
    let model = try Targets.model("hls4ml-vivado-line-buffer")
    let layer = convolution(size: 12, kernel: 3, from: 8, to: 4, reuse: reuse)
    let estimate = model.estimate(layer)
    let used = layer.effectiveReuse.effective
    let (windows, rest) = (100, 44)
    #expect(estimate.stage.cyclesPerFrame == windows * (used + 4) + rest * 2 + 1)
    #expect(estimate.reportedLatency == 144 * (used + 4))
    #expect(estimate.stage.readsPerFrame == 144)
    #expect(estimate.stage.writesPerFrame == 100)
    #expect(estimate.reported.dsp == layer.multipliers)
  }

  @Test func stridedWindowsAreCounted() throws {
    let model = try Targets.model("hls4ml-vitis")
    for (size, kernel, stride) in [(32, 4, 4), (9, 3, 2), (7, 1, 3), (8, 2, 2)] {
      let layer = convolution(size: size, kernel: kernel, from: 3, to: 2, reuse: 1, stride: stride)
      #expect(model.estimate(layer).stage.writesPerFrame == layer.outputPixels)
      #expect(model.estimate(layer).stage.readsPerFrame == size * size)
    }
  }

  @Test(arguments: [2, 4, 6, 7, 8, 12, 16])
  func weightsBelowEightBitsTakeNoBlock(bits: Int) throws {
    let model = try Targets.model("hls4ml-vitis")
    let estimate = model.estimate(dense(40, 20, reuse: 40, bits: bits))
    #expect(estimate.reported.dsp == (bits >= 8 ? 20 : 0))
  }

  @Test func moreReuseNeverTakesMoreLogicOrLessTime() throws {
    let model = try Targets.model("hls4ml-vitis")
    var last: LayerEstimate?
    for reuse in ReuseFactor.legal(inputs: 64, outputs: 32) {
      let estimate = model.estimate(dense(64, 32, reuse: reuse))
      if let last {
        #expect(estimate.reportedLatency > last.reportedLatency)
        #expect(estimate.synthesised.dsp <= last.synthesised.dsp)
      }
      last = estimate
    }
  }

  @Test func parallelChainsRunLayerByLayer() throws {
    let model = try Targets.model("hls4ml-vitis")
    var layers = [dense(48, 24, reuse: 48), LayerSpec(name: "relu", kind: .activation), dense(24, 10, reuse: 24)]
    (layers[1].channels, layers[1].outputChannels) = (24, 24)
    let estimate = try model.estimate(PipelineDesign(chain: layers, name: "chain", transfer: .parallel))
    // Both loops, two cycles per layer but one, and a cycle per layer more at worst.
    #expect(estimate.reportedLatencyBest == 48 + 24 + 3)
    #expect(estimate.reportedLatency == 48 + 24 + 5)
    #expect(estimate.reportedInterval == estimate.reportedLatency)
  }

  @Test(arguments: [1, 2, 8, 100], [4.0, 2.5, 10.0])
  func unrolledKernelsKeepTheirLaws(reuse: Int, period: Double) throws {
    let model = try Targets.model("hls4ml-vitis", period: period)
    var layer = dense(32, 16, reuse: reuse, bits: 8, strategy: .latency)
    layer.weights = WeightStatistics(zeros: 100, hardProducts: 180, twoDigit: 120)
    let kernel = model.latencyKernel(layer)
    #expect(kernel.limit == (512 + reuse - 1) / reuse - 100 / reuse)
    #expect(kernel.multipliers == min(180, kernel.limit))
    #expect(kernel.interval == min(reuse, kernel.latency + 1))
    layer.weights = WeightStatistics(zeros: 512, hardProducts: 0, twoDigit: 0)
    #expect(model.latencyKernel(layer).multipliers == 0)
  }

  @Test func shallowFIFOsStayOutOfBlockMemoryAfterSynthesis() throws {
    let model = try Targets.model("hls4ml-vivado-line-buffer-merged")
    var relu = LayerSpec(name: "relu", kind: .activation)
    (relu.height, relu.width, relu.channels) = (8, 8, 4)
    (relu.outputHeight, relu.outputWidth, relu.outputChannels) = (8, 8, 4)
    let small = try model.estimate(PipelineDesign(chain: [relu, relu], name: "small", transfer: .stream))
    #expect(small.reported.bram18 == 4 && small.synthesised.bram18 == 0)
    (relu.height, relu.outputHeight) = (16, 16)
    let large = try model.estimate(PipelineDesign(chain: [relu, relu], name: "large", transfer: .stream))
    #expect(large.reported.bram18 == 4 && large.synthesised.bram18 == 4)
  }

  @Test func depthwiseKernelsSeeOneChannel() throws {
    var layer = convolution(size: 10, kernel: 3, from: 16, to: 16, reuse: 1)
    layer.groups = 16
    #expect(layer.weightCount == 9 * 16)
    #expect(layer.windowInputs == 9 * 16)
  }
}
