package import Basic
package import Hardware
package import IR
package import Lowering
package import Results

/// A Tensor Core GPU as a machine: kernels one after the other on one stream.
package struct GPU: Machine {
  package static let family = "gpu"
  package static let launches: [RunRequest.Launch] = [.graph, .eager]

  package let description: GPUDescription
  private let fusion: Capabilities

  package init(_ target: TargetFile) throws(Failure) {
    description = try GPUDescription(target)
    fusion = try Capabilities(target)
  }

  package var capabilities: Capabilities {
    let formats = description.gemm.paths.flatMap { $0.activations + $0.weights }
    var result = fusion
    result.contractionTypes = Set(formats.map(\.rawValue))
    result.sparsities = Set(description.sparsities.compactMap(\.ratio))
    result.halfFloat = formats.contains(.bfloat16) ? .bfloat16 : .float16
    result.contractionMultiple =
      description.instructions.first { $0.formats.contains(defaultPrecision) && $0.sparsity == .dense }?.k ?? 1
    return result
  }

  package var defaultPrecision: ElementType {
    description.gemm.paths.contains { $0.activations.contains(.float16) } ? .float16 : .float32
  }

  package func run(_ kernels: [Kernel], _ request: RunRequest) throws(Failure) -> MachineRun {
    let contractions = ContractionModel(description, fidelity: request.fidelity)
    let costing = KernelCosting(description, contractions, launch: request.launch)
    let storage = SparseStorage(kernels, contractions.gemm)
    let cache = CacheResidency(storage.kernels, held: description.residentBytes, capacity: description.l2.capacity)
    var results: [KernelResult] = []
    var failures: [Diagnostic] = []
    for (index, kernel) in storage.kernels.enumerated() {
      do throws(Failure) {
        var result = try costing.result(of: kernel, cache.views[index], staying: cache.stayingOnChip)
        if let note = storage.notes[index] { result.reason += "; " + note }
        results.append(result)
      } catch {
        failures += error.diagnostics.map { diagnostic in
          var diagnostic = diagnostic
          diagnostic.message = "kernel '\(kernel.name)': \(diagnostic.message)"
          return diagnostic
        }
      }
    }
    guard failures.isEmpty else { throw Failure(failures) }
    switch request.launch {
    case .graph:
      var now = 0.0
      for index in results.indices {
        results[index].startSeconds = now
        now += results[index].latencySeconds
      }
      return try assemble(storage.kernels, results, hostSeconds: 0, startedBy: graphLaunch)
    case .eager:
      let host = try HostQueue(description).schedule(&results, of: storage.kernels)
      return try assemble(storage.kernels, results, hostSeconds: host, startedBy: eagerLaunch(host))
    }
  }

  private var graphLaunch: Assumption {
    Assumption(
      what:
        "launch graph: kernels follow one another in a replayed graph (\(Format.seconds(description.launch.graph)) from one to the next); latency from the first one's start to the last one's end",
      basis: .measured, source: "launch model of the target")
  }

  private func eagerLaunch(_ host: Double) -> Assumption {
    Assumption(
      what:
        "launch eager: a framework calls one operation after the other, \(Format.seconds(host)) of host time in all; latency from the first call to the last kernel's end",
      basis: .measured, source: "host times of the target's <launch> and <host> rows")
  }

  private func assemble(
    _ kernels: [Kernel], _ results: [KernelResult], hostSeconds: Double, startedBy launch: Assumption
  ) throws(Failure) -> MachineRun {
    let stream = "stream 0"
    let seconds = results.reduce(0) { $0 + $1.latencySeconds }
    let cycles = try description.cycles(seconds)
    let memory = MemoryPlan(kernels)
    let timeline = Timeline(
      resources: [Timeline.Resource(name: stream)],
      spans: results.map {
        Timeline.Span(
          kernel: $0.id, resource: stream, start: $0.startSeconds + ($0.figures["wait for host (s)"] ?? 0),
          end: $0.startSeconds + $0.latencySeconds,
          kind: "kernel")
      },
      dependencies: kernels.flatMap { kernel in kernel.dependencies.map { [$0, kernel.id] } },
      occupancy: ["dram": memory.steps(at: results.map { Int(($0.startSeconds * description.boostClock).rounded()) })],
      capacity: ["dram": Int(description.memory.capacity)])
    let energies = results.compactMap(\.energyJoules)
    return MachineRun(
      kernels: results, timeline: timeline, latencySeconds: seconds,
      cycles: cycles,
      floorSeconds: results.reduce(0) { $0 + $1.floorSeconds }, serialSeconds: seconds + hostSeconds,
      energyJoules: energies.count == results.count ? energies.reduce(0, +) : nil,
      peakMemoryBytes: ["dram": memory.peak],
      resources: [
        "dram capacity (bytes)": ResourceUse(used: Double(memory.peak), available: description.memory.capacity)
      ],
      roofline: description.roofline,
      assumptions: description.numbers.assumptions + [launch])
  }

  package func lint() -> [Diagnostic] { description.lint() }
}
