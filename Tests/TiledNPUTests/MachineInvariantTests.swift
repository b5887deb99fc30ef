import Foundation
import Hardware
import IR
import Lowering
import Results
import Testing

@testable import TiledNPU

/// What must hold for any layer on any machine of the family.
struct MachineInvariantTests {
  struct Case: Sendable, CustomStringConvertible {
    var target: String
    var seed: UInt64
    var description: String { "\(target) #\(seed)" }
  }

  /// Every machine of the family that the product has.
  static let targets =
    ((try? FileManager.default.contentsOfDirectory(atPath: Fixture.targets + "/npu")) ?? [])
    .filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }.sorted()
  static let cases = targets.flatMap { target in (0..<4).map { Case(target: target, seed: $0 * 7919 + 17) } }

  static func machine(_ name: String, _ overrides: [String] = []) throws -> NPU {
    var target = try TargetCatalog(folder: Fixture.targets).load(name)
    for assignment in overrides { try target.set(assignment) }
    return try NPU(target)
  }

  @Test(arguments: cases)
  func resultsAreConsistent(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 6, &random)
    for fidelity in RunRequest.Fidelity.allCases {
      let run = try npu.run(kernels, RunRequest(fidelity: fidelity))
      #expect(run.floorSeconds <= run.latencySeconds * (1 + 1e-9))
      #expect(run.latencySeconds <= run.serialSeconds * (1 + 1e-9))
      #expect(run.kernels.allSatisfy { !$0.reason.isEmpty && $0.floorSeconds <= $0.latencySeconds * (1 + 1e-9) })
      let capacity = npu.description.near.capacity ?? .max
      #expect((run.timeline.occupancy[npu.description.near.name] ?? []).allSatisfy { $0[1] <= capacity })
      for kernel in run.kernels {
        let named = kernel.figures.filter { LayerTiming.Cause(rawValue: $0.key) != nil }.values.reduce(0, +)
        #expect(Int(named) == kernel.cycles, "every cycle of \(kernel.name) has a cause")
      }
    }
  }

  @Test(arguments: cases)
  func trafficAndTimeHaveTheirFloors(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 4, &random)
    let (layers, _) = try npu.lower(kernels)
    let timings = FastSchedule(npu.description).run(layers)
    for (layer, timing) in zip(layers, timings) {
      #expect(timing.cycles >= layer.compute.cycles)
      #expect(layer.place == .host || layer.macs <= timing.cycles * npu.description.macsPerCycle)
      for memory in layer.transfers.indices {
        #expect(layer.transfers[memory].total >= layer.compulsory[memory])
        #expect(timing.cycles + timing.early >= npu.description.memories[memory].cycles(for: layer.transfers[memory].total))
      }
    }
  }

  /// The recurrence is the event simulation's exact solution: same cycles, same causes, layer by layer.
  @Test(arguments: cases)
  func eventsAndRecurrenceAgree(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 8, &random)
    let fast = try npu.run(kernels, RunRequest(fidelity: .fast))
    let event = try npu.run(kernels, RunRequest(fidelity: .event))
    for (a, b) in zip(fast.kernels, event.kernels) {
      #expect(a.cycles == b.cycles, "\(a.name)")
      #expect(a.figures == b.figures, "\(a.name)")
    }
  }

  /// Neither the tile size nor the number of tiles that are followed one by one decides how long a layer takes.
  @Test(arguments: cases)
  func theTileLimitHardlyMatters(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let (layers, _) = try npu.lower(Fixture.chain(length: 4, &random))
    let coarse = FastSchedule(npu.description).run(layers).last?.end ?? 0
    let fine = EventSchedule(npu.description, tileLimit: 4096).run(layers).last?.end ?? 0
    #expect(abs(Double(coarse) / Double(max(fine, 1)) - 1) < 0.03)
  }

  /// What leaves one memory arrives in the next: tiles without buffers of their own pass through the near memory.
  @Test(arguments: cases)
  func bytesAreConservedBetweenLevels(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    let machine = npu.description
    guard machine.tileBuffers == nil, machine.policy.weights != .resident else { return }
    var random = SeededGenerator(seed: test.seed)
    let (layers, _) = try npu.lower(Fixture.chain(length: 4, &random))
    for layer in layers where layer.place == .array {
      let far = layer.transfers.indices.filter { $0 != machine.placement.near }
      let sent = far.reduce(0) { $0 + layer.transfers[$1].prefetch + layer.transfers[$1].load }
      let returned = far.reduce(0) { $0 + layer.transfers[$1].store }
      #expect(layer.transfers[machine.placement.near].filled == sent)
      #expect(layer.transfers[machine.placement.near].drained == returned)
    }
  }

  /// One layer whose feature maps stay where they are: a larger near memory never moves more bytes of the far one.
  @Test(arguments: cases)
  func aLargerBufferNeverMovesMore(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 1, &random)
    let near = npu.description.placement.near
    var before = Int.max
    for factor in [1, 2, 4, 16] {
      var description = npu.description
      description.memories[near].capacity = description.memories[near].capacity.map { $0 * factor }
      if let own = description.tileBuffers {
        description.tileBuffers?.shared = own.shared.map { $0 * factor }
        description.tileBuffers?.inputs = own.inputs.map { $0 * factor }
        description.tileBuffers?.weights = own.weights.map { $0 * factor }
        description.tileBuffers?.outputs = own.outputs.map { $0 * factor }
      }
      let (layers, _) = try NPU(description).lower(kernels)
      let moved = layers.reduce(0) { sum, layer in
        layer.transfers.indices.reduce(sum) { $0 + ($1 == near ? 0 : layer.transfers[$1].read + layer.transfers[$1].written) }
      }
      #expect(moved <= before)
      before = moved
    }
  }

  /// One layer, so that no placement of feature maps can change.
  @Test(arguments: cases)
  func aLayerIsNeverSlowerWithMoreBandwidth(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 1, &random)
    var before = 1 << 60
    for factor in [0.25, 0.5, 1.0, 2.0, 8.0] {
      var description = npu.description
      for index in description.memories.indices { description.memories[index].peakBytesPerCycle *= factor }
      let cycles = try NPU(description).run(kernels, RunRequest()).cycles
      // Whole cycles of burst transfers are rounded down one by one.
      #expect(cycles <= before + 4)
      before = cycles
    }
  }

  @Test(arguments: cases)
  func doubleBufferingNeverHurts(_ test: Case) throws {
    let npu = try Self.machine(test.target)
    var random = SeededGenerator(seed: test.seed)
    let kernels = Fixture.chain(length: 5, &random)
    let (layers, _) = try npu.lower(kernels)
    var single = npu.description
    single.policy.isDoubleBuffered = false
    let overlapped = FastSchedule(npu.description).run(layers).last?.end ?? 0
    let serial = FastSchedule(single).run(layers).last?.end ?? 0
    #expect(overlapped <= serial)
  }

  @Test func everyMachineIsChecked() { #expect(Self.targets.count >= 16) }

  @Test func runsRepeatExactly() throws {
    let npu = try Self.machine("nvdla-small")
    var random = SeededGenerator(seed: 5)
    let kernels = Fixture.chain(length: 10, &random)
    let first = try npu.run(kernels, RunRequest(fidelity: .event))
    let second = try npu.run(kernels, RunRequest(fidelity: .event))
    #expect(first.kernels == second.kernels)
    #expect(first.timeline == second.timeline)
  }

  @Test func energyIsUnavailableUntilStated() throws {
    var random = SeededGenerator(seed: 3)
    let kernels = Fixture.chain(length: 2, &random)
    let npu = try Self.machine("systolic-array")
    var description = npu.description
    description.macEnergy = nil
    #expect(try NPU(description).run(kernels, RunRequest()).energyJoules == nil)
    description.macEnergy = 0.2e-12
    description.vectorEnergy = 1e-12
    for index in description.memories.indices {
      description.memories[index].readEnergyPerByte = 2e-12
      description.memories[index].writeEnergyPerByte = 2e-12
    }
    let run = try NPU(description).run(kernels, RunRequest())
    let energy = run.energyJoules
    #expect(abs(run.energyByPart.values.reduce(0, +) - (energy ?? 0)) < 1e-15)
    #expect(Set(run.energyByPart.keys).isSuperset(of: ["MAC", "sram", "dram"]))
    let macs = kernels.reduce(0) { $0 + $1.work.macs }
    #expect((energy ?? 0) > Double(macs) * 0.2e-12)
  }

  @Test func whatHasNoUnitFallsBackVisibly() throws {
    let npu = try Self.machine("ethos-u55-128")
    let kernel = Fixture.pointwise("erfinv", elements: 1000, id: 0)
    let run = try npu.run([kernel], RunRequest())
    #expect(run.kernels.first?.bound == .host)
    #expect(run.diagnostics.contains { $0.severity == .warning })
    #expect((run.kernels.first?.figures["fallback"] ?? 0) > 0)
  }
}
