import IR
import Lowering
import Testing

@testable import TiledNPU

/// What memories hold: weights with their padding, feature maps over time.
struct StorageTests {
  /// Groups of 64 outputs with 8 bytes each, input channels four by four.
  @Test func weightsArePaddedToWholeGroups() {
    let code = WeightCode(channelBytes: 8, outputGranule: 64, inputGranule: 4)
    func stored(_ channels: Int, _ filters: Int, _ side: Int, groups: Int = 1) -> Int {
      code.storedBytes(
        LayerShape(
          input: (8, 8, channels), output: (8, 8, filters), kernel: (side, side), groups: groups), bits: 8)
    }
    #expect(stored(64, 64, 1) == 4096 + 512)
    #expect(stored(128, 32, 3) == 128 * 64 * 9 + 512)
    #expect(stored(3, 64, 7) == 4 * 64 * 49 + 512)
    #expect(stored(96, 96, 3, groups: 96) == 128 * 9 + 2 * 512)
    #expect(WeightCode().storedBytes(LayerShape(input: (8, 8, 3), output: (8, 8, 5), kernel: (3, 3)), bits: 8) == 135)
  }

  /// A decoder with tables reads positions where all weights are in one, and what was assumed of weights where they are not.
  @Test func tablesOfWeightsAreReadByPosition() {
    let code = WeightCode(isEntropyCoded: true, assumedBits: 7.6, paletteSize: 32)
    let shape = LayerShape(input: (8, 8, 64), output: (8, 8, 64), kernel: (3, 3))
    func bytes(_ palette: Int?) -> Int { code.weightBytes(shape, bits: 8, padded: shape.weightElements, statistics: nil, palette: palette) }
    #expect(bytes(16) == shape.weightElements / 2)
    #expect(bytes(32) == shape.weightElements * 5 / 8)
    #expect(bytes(9) == bytes(16))
    #expect(bytes(64) == bytes(nil) && bytes(nil) == shape.weightElements * 76 / 80)
    // A machine without tables reads what the weights are decoded to.
    #expect(WeightCode().weightBytes(shape, bits: 8, padded: shape.weightElements, statistics: nil, palette: 16) == shape.weightElements)
  }

  /// Weights stay where they are at rest; a feature map that does not fit beside the array is in the far memory for its life.
  @Test func everyMemoryHasItsOccupancy() throws {
    let kernels = PlacementTests.tower(side: 192, channels: 16, length: 5)
    var machine = try MachineInvariantTests.machine("ethos-u65-256").description
    machine.policy.cascades = false
    let run = try NPU(machine).run(kernels, RunRequest())
    let far = try #require(machine.far)
    let steps = try #require(run.timeline.occupancy[far.name])
    let map = 192 * 192 * 16
    let weights = 5 * 9 * 16 * 16
    #expect(steps.first?[0] == 0)
    // Between the ends a kernel's input and output are both there.
    #expect(steps.map { $0[1] }.max() ?? 0 >= 2 * map)
    #expect(steps.allSatisfy { $0[1] <= 3 * map + weights })
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0[0] <= $1[0] })
    #expect(run.peakMemoryBytes[far.name] == steps.map { $0[1] }.max())
    #expect(run.timeline.occupancy[machine.near.name] != nil)
  }

  /// On a machine of two cores the sums of both lie in the buffer of each, so that blocks are no larger than with one.
  @Test func coresDoNotDivideTheAccumulators() throws {
    let machine = try MachineInvariantTests.machine("ethos-u65-512").description
    guard case .block(let array) = machine.array else { throw Missing() }
    let shape = LayerShape(input: (25, 5, 64), output: (25, 5, 64))
    let block = try #require(array.configuration(for: .init(mode: .convolution, shape: shape, inputBits: 8, outputBits: 8))).output
    // Ethos-U Vela 5.2.0 programs 10 rows of 6 with 64 channels for this layer.
    #expect((block.height, block.width, block.depth) == (10, 6, 64))
  }

  private struct Missing: Error {}
}
