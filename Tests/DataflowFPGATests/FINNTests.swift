import DataflowFPGA
import Testing

struct FINNTests {
  private func convolution(size: Int, kernel: Int, from inputs: Int, to outputs: Int) -> LayerSpec {
    var layer = LayerSpec(name: "conv", kind: .convolution)
    (layer.height, layer.width, layer.channels, layer.outputChannels) = (size, size, inputs, outputs)
    (layer.kernelHeight, layer.kernelWidth) = (kernel, kernel)
    (layer.outputHeight, layer.outputWidth) = (size - kernel + 1, size - kernel + 1)
    layer.weightBits = 4
    layer.dataBits = 4
    return layer
  }

  @Test func matrixVectorUnitsFoldBothSides() {
    #expect(FINNNode.matrixVector(inputs: 576, outputs: 64, pe: 16, simd: 32, words: 49) == 18 * 4 * 49)
    #expect(FINNNode.pool(channels: 32, taps: 4, pe: 8, words: 64) == 16 * 64)
  }

  @Test func slidingWindows() {
    let layer = convolution(size: 8, kernel: 3, from: 4, to: 8)
    // Fill (2·8 + 2 + 1)·2, then six rows of max(6·9·2, 8·2).
    #expect(FINNNode.Window(layer: layer, folds: 2).cycles == 19 * 2 + 6 * 108)
    #expect(FINNNode.Window(layer: layer, folds: 2, isParallel: true).cycles == 64 * 2 + 2)
    var line = layer
    (line.height, line.outputHeight, line.kernelHeight) = (1, 1, 1)
    #expect(FINNNode.Window(layer: line, folds: 2).cycles == 6 * 3 * 2 + 2)
    var strided = layer
    (strided.strideHeight, strided.strideWidth, strided.outputHeight, strided.outputWidth) = (2, 2, 3, 3)
    #expect(FINNNode.Window(layer: strided, folds: 4, isDepthwise: true).cycles == 19 * 4 + 3 * (108 + 9 + 32))
  }

  @Test(arguments: [1, 7, 36, 100, 1000, 100_000])
  func foldingDividesBothSidesAndMeetsTheGoal(goal: Int) {
    let layer = convolution(size: 8, kernel: 3, from: 24, to: 40)
    let folding = FINNFolding(layer: layer, steps: goal, wordBits: 36)
    #expect(40 % folding.pe == 0 && 24 % folding.simd == 0)
    #expect(folding.steps == 216 / folding.simd * (40 / folding.pe))
    let sequence = FINNFolding.sequence(layer, wordBits: 36)
    #expect(folding.steps <= goal || folding == sequence.last)
    #expect(zip(sequence, sequence.dropFirst()).allSatisfy { $0.steps > $1.steps })
  }

  @Test func aStageTakesTheCyclesOfItsNode() throws {
    let model = try Targets.model("finn-rtl", on: "zcu104")
    var dense = LayerSpec(name: "dense", kind: .dense)
    (dense.channels, dense.outputChannels, dense.weightBits, dense.dataBits, dense.reuse) = (64, 32, 4, 4, 64)
    let estimate = model.estimate(dense)
    let folding = try #require(estimate.folding)
    #expect(estimate.stage.cyclesPerFrame == 64 / folding.simd * (32 / folding.pe))
    var layer = convolution(size: 10, kernel: 3, from: 8, to: 16)
    layer.reuse = 200
    let convolution = model.estimate(layer)
    // The window fills while it takes words; both accounts agree within the fill.
    #expect(abs(convolution.stage.cyclesPerFrame - convolution.reportedLatency) <= 4 * layer.width * layer.channels)
  }

  @Test func packedProductsShareBlocks() {
    let ultra = DSPBlock(
      name: "DSP48E2", wide: 27, narrow: 18, packing: [.init(bits: 8, count: 2), .init(bits: 4, count: 4)])
    #expect(FINNNode.matrixVectorBlocks(pe: 8, simd: 3, weightBits: 4, dataBits: 4, block: ultra) == 6)
    #expect(FINNNode.matrixVectorBlocks(pe: 8, simd: 3, weightBits: 8, dataBits: 8, block: ultra) == 12)
    #expect(FINNNode.matrixVectorBlocks(pe: 8, simd: 3, weightBits: 16, dataBits: 16, block: ultra) == 24)
    #expect(FINNNode.matrixVectorBlocks(pe: 8, simd: 3, weightBits: 2, dataBits: 2, block: ultra) == 0)
  }
}
