import Lowering
import Testing

@testable import TiledNPU

/// Programs that a machine reads anew in every run.
struct InstructionStreamTests {
  static func machine(buffer: Int) throws -> NPUDescription {
    var machine = try MachineInvariantTests.machine("edge-tpu-usb").description
    machine.instructions = InstructionStream(layerBytes: 3000, resultBytes: 0.5, bufferBytes: buffer)
    return machine
  }

  /// Every layer's instructions cross the link once, wherever the buffer cuts them.
  @Test(arguments: [0, 1, 5000, 100_000, 1 << 30])
  func everyInstructionMovesOnce(_ buffer: Int) throws {
    var random = SeededGenerator(seed: 11)
    let kernels = Fixture.chain(length: 6, &random)
    let machine = try Self.machine(buffer: buffer)
    var without = machine
    without.instructions = nil
    let link = machine.placement.weights
    func moved(_ machine: NPUDescription) throws -> Int {
      try NPU(machine).lower(kernels).layers.reduce(0) { $0 + $1.transfers[link].total }
    }
    let expected = kernels.reduce(0) { $0 + 3000 + ($1.writes[0].operand.count + 1) / 2 }
    #expect(try moved(machine) - moved(without) == expected)
  }

  /// What the buffer holds is there before the first layer begins; the rest of the program comes while layers run.
  @Test func theFirstLayerWaitsForTheBufferOnly() throws {
    var random = SeededGenerator(seed: 23)
    let kernels = Fixture.chain(length: 8, &random)
    var small = try Self.machine(buffer: 4096)
    let large = try Self.machine(buffer: 1 << 30)
    let link = small.placement.weights
    let early = try NPU(small).lower(kernels).layers[0].transfers[link].load - NPU(large).lower(kernels).layers[0].transfers[link].load
    let all = kernels.reduce(0) { $0 + (large.instructions?.bytes(for: $1) ?? 0) }
    #expect(early == 4096 - all)
    let interleaved = try NPU(small).run(kernels, RunRequest()).cycles
    let before = try NPU(large).run(kernels, RunRequest()).cycles
    #expect(interleaved <= before)
    small.instructions = nil
    #expect(try NPU(small).run(kernels, RunRequest()).cycles < interleaved)
  }

  /// A compiled MobileNet v1 sends 225,824 bytes of instructions per run, Inception v1 357,856.
  @Test func programsAreAsLongAsPublishedOnes() throws {
    let stream = try #require(try MachineInvariantTests.machine("edge-tpu-usb").description.instructions)
    func bytes(layers: Int, results: Double) -> Double { Double(layers * stream.layerBytes) + results * stream.resultBytes }
    #expect(abs(bytes(layers: 29, results: 5_044_712) / 225_824 - 1) < 0.15)
    #expect(abs(bytes(layers: 54, results: 6_680_392) / 272_144 - 1) < 0.15)
    #expect(abs(bytes(layers: 81, results: 5_881_241) / 357_856 - 1) < 0.15)
  }
}
