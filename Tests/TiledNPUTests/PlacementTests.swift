import Basic
import Hardware
import IR
import Lowering
import Results
import Testing

@testable import TiledNPU

/// Where feature maps and weights go.
struct PlacementTests {
  /// Convolutions of one size in a row, with `side × side × channels` feature maps.
  static func tower(side: Int, channels: Int, length: Int) -> [Kernel] {
    (0..<length).map { id in
      Fixture.convolution(
        Convolution(
          images: 1, inputChannels: channels, outputChannels: channels, groups: 1, input: [side, side], output: [side, side],
          kernel: [3, 3], strides: [1, 1], dilations: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1]), id: id)
    }
  }

  static func farBytes(_ machine: NPUDescription, _ kernels: [Kernel]) throws -> Int {
    let far = try #require(machine.placement.far)
    return try NPU(machine).lower(kernels).layers.reduce(0) { $0 + $1.transfers[far].total }
  }

  /// Feature maps of 576 KiB do not fit 384 KiB: with cascades only a few rows of them are held and the DRAM sees the ends only.
  @Test func cascadesKeepWhatDoesNotFitOutOfTheFarMemory() throws {
    let kernels = Self.tower(side: 192, channels: 16, length: 5)
    var machine = try MachineInvariantTests.machine("ethos-u65-256").description
    machine.policy.cascades = false
    let without = try Self.farBytes(machine, kernels)
    machine.policy.cascades = true
    let with = try Self.farBytes(machine, kernels)
    #expect(with < without / 2)
    let run = try NPU(machine).run(kernels, RunRequest())
    let steps = run.timeline.occupancy[machine.near.name] ?? []
    #expect(steps.allSatisfy { $0[1] <= machine.near.capacity ?? .max })
    #expect(run.kernels.contains { $0.choice.contains("depth first with the next layer") })
  }

  /// Cascades never add traffic, whatever the chain and the size of the near memory.
  @Test(arguments: [64, 128, 384])
  func cascadesNeverAddTraffic(_ kibibytes: Int) throws {
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededGenerator(seed: seed &* 31 &+ 7)
      let kernels = Fixture.chain(length: 6, &random)
      var machine = try MachineInvariantTests.machine("ethos-u65-512").description
      machine.memories[machine.placement.near].capacity = kibibytes << 10
      machine.policy.cascades = false
      let without = try Self.farBytes(machine, kernels)
      machine.policy.cascades = true
      #expect(try Self.farBytes(machine, kernels) <= without)
    }
  }

  /// More near memory never raises the floor, and where it makes the compiler's placement worse the run says so.
  @Test func aLargerMemoryRaisesNoFloorAndAWorsePlacementIsNoted() throws {
    var noted = 0
    for seed in 0..<12 as Range<UInt64> {
      var random = SeededGenerator(seed: seed &* 31 &+ 7)
      let kernels = Fixture.chain(length: 8, &random)
      var machine = try MachineInvariantTests.machine("ethos-u65-512").description
      let far = try #require(machine.placement.far)
      var floor = Double.infinity
      for kibibytes in [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512] {
        machine.memories[machine.placement.near].capacity = kibibytes << 10
        let npu = NPU(machine)
        let run = try npu.run(kernels, RunRequest())
        #expect(run.floorSeconds <= floor, "seed \(seed), \(kibibytes) KiB")
        floor = run.floorSeconds
        guard let plan = try npu.lower(kernels).residency.smallerPlan else { continue }
        noted += 1
        #expect(run.diagnostics.contains { $0.severity == .note && $0.message.contains("of feature maps pass dram") })
        let bytes = try Self.farBytes(machine, kernels)
        machine.memories[machine.placement.near].capacity = plan.capacity
        #expect(try NPU(machine).lower(kernels).residency.spilledBytes == plan.spilledBytes)
        #expect(try Self.farBytes(machine, kernels) < bytes, "seed \(seed), \(kibibytes) KiB to \(far)")
      }
    }
    #expect(noted > 0)
  }

  /// What a run takes before its first kernel has an entry of its own: with it all times sum, and memory is drawn over all of them.
  @Test func startingARunIsPartOfTheTimeline() throws {
    let machine = try MachineInvariantTests.machine("edge-tpu-usb").description
    let run = try NPU(machine).run(Self.tower(side: 32, channels: 16, length: 3), RunRequest())
    let overhead = try #require(run.overhead)
    #expect(overhead.seconds == machine.runSeconds)
    let sum = run.kernels.reduce(overhead.seconds) { $0 + $1.latencySeconds }
    #expect(abs(sum - run.latencySeconds) < 1e-9)
    #expect(abs(Double(run.cycles) - run.latencySeconds * machine.clockHertz) <= 1)
    let first = try #require(run.timeline.spans.first { $0.kernel == Timeline.Span.noKernel })
    #expect(first.start == 0 && first.end == run.kernels[0].startSeconds && first.kind == overhead.name)
    let steps = try #require(run.timeline.occupancy[machine.near.name])
    #expect(steps.dropFirst().allSatisfy { $0[0] >= machine.runCycles && $0[0] <= run.cycles })
  }

  /// Rooflines divide by the bytes of the first level: the one farthest from the array.
  @Test(arguments: [("ethos-u65-512", "dram"), ("edge-tpu-usb", "link")])
  func theRooflineBeginsWithTheOutermostMemory(target: String, memory: String) throws {
    let run = try MachineInvariantTests.machine(target).run(Self.tower(side: 32, channels: 16, length: 2), RunRequest())
    #expect(run.roofline?.memory.first?.name == memory)
  }

  /// Feature maps twice as wide are the consequence: the format that the array does not have comes first.
  @Test func aMissingFormatIsNamedBeforeTheRoomItTakes() throws {
    let half = Self.tower(side: 512, channels: 32, length: 2).map { kernel in
      kernel.mappingOperands { Operand(element: .float16, count: $0.count, isConstant: $0.isConstant) }
    }
    let npu = try MachineInvariantTests.machine("ethos-u55-128")
    let failure = #expect(throws: Failure.self) { try npu.run(half, RunRequest()) }
    let lines = failure?.diagnostics ?? []
    #expect(lines.first?.message.contains("has no <format> for the f16 of 2 kernels") == true, "\(lines)")
    #expect(lines.allSatisfy { $0.location?.file.hasSuffix("ethos-u55-128.xml") == true })
  }

  /// A digit too many is worth a word.
  @Test(arguments: [("clock", "50 GHz", "a clock above 5 GHz"), ("sram.width", "16000000 B/clk", "would reach")])
  func lintDoubtsImpossibleFigures(path: String, value: String, words: String) throws {
    var file = try TargetCatalog(folder: Fixture.targets).load("ethos-u65-512")
    #expect(try NPU(file).lint().isEmpty)
    try file.set("\(path)=\(value)")
    #expect(try NPU(file).lint().contains { $0.message.contains(words) })
  }

  /// Without a memory to go to, the error names the buffer, the bytes and what would do.
  @Test func aMisfitWithoutAFarMemoryIsNamed() throws {
    let kernels = Self.tower(side: 512, channels: 32, length: 2)
    let npu = try MachineInvariantTests.machine("ethos-u55-128")
    #expect {
      try npu.run(kernels, RunRequest())
    } throws: { error in
      let text = "\(error)"
      return text.contains("sram") && text.contains("4194304") && text.contains("would do")
    }
  }

  /// Half of the weights and half of the products, when the machine has 2:4 products.
  @Test func structuredSparsityHalvesProducts() throws {
    let npu = try MachineInvariantTests.machine("jetson-orin-dla")
    let dense = Self.tower(side: 32, channels: 256, length: 1)
    var sparse = dense
    guard case .contraction(var product) = sparse[0].steps[0].computation else { return }
    product.rhs.encoding.sparsity = .structured(kept: 2, of: 4)
    sparse[0].steps[0].computation = .contraction(product)
    sparse[0].reads[1].operand = product.rhs
    let a = try #require(try npu.run(dense, RunRequest()).kernels.first)
    let b = try #require(try npu.run(sparse, RunRequest()).kernels.first)
    #expect((b.figures["streaming"] ?? 0) * 2 == a.figures["streaming"])
    #expect((b.bytes["dram"] ?? 0) < (a.bytes["dram"] ?? 0))
  }
}

/// Kernels that no block of an Ethos-U holds.
struct OversizedKernelTests {
  /// Four outputs with a stride of 256 need 24,832 bytes of inputs; the processor computes them, and the warning says why.
  @Test func runsOnTheHost() throws {
    let machine = try NPUDescription(TargetCatalog(folder: Fixture.targets).load("ethos-u85-256"))
    let geometry = Convolution(
      images: 1, inputChannels: 1, outputChannels: 8, groups: 1, input: [1, 8192], output: [1, 31], kernel: [1, 512],
      strides: [1, 256], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0])
    let kernels = [Fixture.convolution(geometry, id: 0)]
    var builder = LayerBuilder(machine, try Residency(kernels, machine), kernels: kernels)
    let layer = try builder.layer(kernels[0], at: 0)
    #expect(layer.place == .host)
    #expect(layer.note.contains("bytes are missing") && !layer.note.contains("-"), "\(layer.note)")
  }
}
