import IR
import Testing

@testable import TensorCoreGPU

struct ConvolutionTests {
  private func convolution(
    channels: Int, filters: Int, side: Int, kernel: Int = 3, stride: Int = 1, groups: Int = 1,
    format: ElementType = .float16
  ) -> Contraction {
    let output = (side + 2 * (kernel / 2) - kernel) / stride + 1
    let geometry = Convolution(
      images: 8, inputChannels: channels, outputChannels: filters, groups: groups, input: [side, side],
      output: [output, output], kernel: [kernel, kernel], strides: [stride, stride], dilations: [1, 1],
      padsBegin: [kernel / 2, kernel / 2], padsEnd: [kernel / 2, kernel / 2])
    let pixels = 8 * output * output
    let taps = channels / groups * kernel * kernel
    return Contraction(
      batch: groups, m: pixels, n: filters / groups, k: taps,
      lhs: Operand(element: format, count: 8 * channels * side * side),
      rhs: Operand(element: format, count: filters * taps, isConstant: true),
      output: Operand(element: format, count: pixels * filters), convolution: geometry)
  }

  private func estimate(_ contraction: Contraction, on name: String) throws -> ContractionEstimate {
    try ContractionModel(try Targets.gpu(name)).estimate(contraction)
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-v100-sxm2-16gb", "nvidia-t4"])
  func everyKindHasATimeAboveItsFloorAndAReason(_ name: String) throws {
    let kinds = [
      convolution(channels: 64, filters: 64, side: 56),
      convolution(channels: 3, filters: 64, side: 224, kernel: 7, stride: 2),
      convolution(channels: 256, filters: 64, side: 56, kernel: 1),
      convolution(channels: 192, filters: 192, side: 28, groups: 192),
      convolution(channels: 64, filters: 64, side: 56, format: .float32),
      convolution(channels: 64, filters: 32, side: 28, kernel: 5, format: .float32),
    ]
    for kind in kinds {
      let estimate = try estimate(kind, on: name)
      #expect(estimate.seconds > 0 && estimate.seconds.isFinite)
      #expect(estimate.floorSeconds <= estimate.seconds)
      #expect(!estimate.reason.isEmpty && !estimate.choice.isEmpty)
    }
  }

  /// Overlap of the taps is read from the L2, the image itself passes device memory about once.
  @Test func aKernelReadsItsImageOnce() throws {
    let estimate = try estimate(convolution(channels: 256, filters: 256, side: 112), on: "nvidia-a100-sxm4-80gb")
    let image = Double(8 * 256 * 112 * 112 * 2)
    let memory = try #require(estimate.bytes["dram"])
    let cache = try #require(estimate.bytes["l2"])
    #expect(memory < 3.5 * image)
    #expect(cache > 5 * image)
  }

  @Test func depthwiseConvolutionsWalkTheImage() throws {
    let estimate = try estimate(
      convolution(channels: 512, filters: 512, side: 56, groups: 512), on: "nvidia-a100-sxm4-80gb")
    #expect(estimate.choice.contains("direct"))
    #expect(estimate.bound != .launch)
  }

  /// The floor is that of the algorithm with the least work, whichever is chosen: a library that splits no reduction takes another
  /// algorithm, and the machine can do no less.
  @Test func theFloorDoesNotDependOnTheChoice() throws {
    let gpu = try Targets.gpu("nvidia-a100-sxm4-80gb")
    var unsplit = gpu
    for index in unsplit.gemm.paths.indices { unsplit.gemm.paths[index].splitLimit = 1 }
    var choices: Set<Bool> = []
    for side in [7, 14, 28, 56] {
      let kind = convolution(channels: 256, filters: 256, side: side, format: .float32)
      let (split, whole) = (try ContractionModel(gpu).estimate(kind), try ContractionModel(unsplit).estimate(kind))
      for estimate in [split, whole] { choices.insert(estimate.choice.contains("Winograd")) }
      #expect(split.floorSeconds == whole.floorSeconds, "\(side)")
    }
    #expect(choices.count == 2, "both algorithms are chosen somewhere")
  }

  /// Four channels of int8 are a quarter of a piece: four pixels share one, and a row of seven taps is read in two of them.
  /// With more channels every tap is half a piece.
  @Test func pixelsOfAnImageSharePieces() throws {
    func bytes(_ channels: Int, _ format: ElementType) throws -> Double {
      let kind = convolution(channels: channels, filters: 64, side: 224, kernel: 7, stride: 2, format: format)
      return try estimate(kind, on: "nvidia-a100-sxm4-80gb").bytes["l2"] ?? 0
    }
    #expect(try bytes(3, .int8) == bytes(4, .int8))
    #expect(try bytes(1, .int8) == bytes(4, .int8))
    #expect(try bytes(5, .int8) / bytes(4, .int8) > 1.5)
    // Half a piece of 16-bit channels is four already, rows would be padded to eight taps.
    #expect(try bytes(3, .float16) < 2 * bytes(3, .int8))
  }

  @Test func winogradIsForThreeByThreeOnTheCores() throws {
    let name = "nvidia-v100-sxm2-16gb"
    #expect(
      try estimate(convolution(channels: 256, filters: 256, side: 56, format: .float32), on: name).choice.contains(
        "Winograd"))
    #expect(try !estimate(convolution(channels: 256, filters: 256, side: 56), on: name).choice.contains("Winograd"))
    #expect(
      try !estimate(convolution(channels: 256, filters: 256, side: 56, stride: 2, format: .float32), on: name).choice
        .contains("Winograd"))
  }
}
