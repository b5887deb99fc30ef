import Basic
import DataflowFPGA
import IR
import Lowering
import Results
import Testing

struct MachineTests {
  private func operand(_ count: Int, constant: Bool = false) -> Operand {
    Operand(element: .int8, count: count, isConstant: constant)
  }

  private func tensor(_ id: Int, _ shape: [Int], constant: Bool = false) -> Kernel.Tensor {
    Kernel.Tensor(
      id: id, name: "t\(id)", type: TensorType(.int8, shape), operand: operand(shape.reduce(1, *), constant: constant))
  }

  private func convolution(
    _ id: Int, size: Int, from inputs: Int, to outputs: Int, reads: Int, dependencies: [Int] = [], images: Int = 1
  ) -> Kernel {
    let geometry = Convolution(
      images: images, inputChannels: inputs, outputChannels: outputs, groups: 1, input: [size, size], output: [size, size],
      kernel: [3, 3], strides: [1, 1], dilations: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1])
    let contraction = Contraction(
      batch: 1, m: images * size * size, n: outputs, k: 9 * inputs, lhs: operand(images * size * size * inputs),
      rhs: operand(9 * inputs * outputs, constant: true), output: operand(images * size * size * outputs), convolution: geometry)
    return Kernel(
      id: id, name: "conv\(id)", origin: ["conv\(id)"],
      steps: [
        .init(computation: .contraction(contraction), label: "conv", inputs: [reads, 100 + id], outputs: [id + 10])
      ],
      anchor: 0,
      reads: [tensor(reads, [images, inputs, size, size]), tensor(100 + id, [outputs, inputs, 3, 3], constant: true)],
      writes: [tensor(id + 10, [images, outputs, size, size])], dependencies: dependencies)
  }

  private func addition(_ id: Int, size: Int, channels: Int, reads: [Int], dependencies: [Int], images: Int = 1) -> Kernel {
    let count = images * size * size * channels
    let pointwise = Pointwise(
      function: "add", count: count, inputs: [operand(count), operand(count)], outputs: [operand(count)],
      costPerElement: ArithmeticCost(simple: 1))
    return Kernel(
      id: id, name: "add\(id)", origin: ["add\(id)"],
      steps: [.init(computation: .pointwise(pointwise), label: "add", inputs: reads, outputs: [id + 10])], anchor: 0,
      reads: reads.map { tensor($0, [images, channels, size, size]) }, writes: [tensor(id + 10, [images, channels, size, size])],
      dependencies: dependencies)
  }

  /// conv – conv – conv with a shortcut around the last two.
  private var residual: [Kernel] { residual(images: 1) }

  private func residual(images: Int) -> [Kernel] {
    [
      convolution(0, size: 8, from: 3, to: 4, reads: 1, images: images),
      convolution(1, size: 8, from: 4, to: 4, reads: 10, dependencies: [0], images: images),
      convolution(2, size: 8, from: 4, to: 4, reads: 11, dependencies: [1], images: images),
      addition(3, size: 8, channels: 4, reads: [10, 12], dependencies: [0, 2], images: images),
    ]
  }

  /// The pipeline is that of one input; each further frame takes its interval.
  @Test(arguments: [["hls.reuse=1"], ["hls.profile=finn-rtl"], ["hls.transfer=parallel", "hls.reuse=36"]])
  func aBatchIsFramesOneAfterAnother(settings: [String]) throws {
    let machine = try FPGA(Targets.file("zu9eg", set: settings))
    let one = try machine.run(residual, RunRequest())
    let runs = try [2, 4, 64].map { try machine.run(residual(images: $0), RunRequest(batch: $0)) }
    let interval = 1 / (try #require(one.throughputPerSecond))
    for (run, frames) in zip(runs, [2.0, 4, 64]) {
      let expected = one.latencySeconds + (frames - 1) * interval
      #expect(abs(run.latencySeconds - expected) < 0.02 * expected, "\(frames) frames")
      #expect(run.latencySeconds <= frames * one.latencySeconds)
      #expect(abs((run.throughputPerSecond ?? 0) * interval - 1) < 1e-9)
      #expect(run.resources == one.resources)
      #expect(run.floorSeconds <= run.latencySeconds && run.latencySeconds <= run.serialSeconds)
      #expect(run.kernels.map { $0.figures["ii"] } == one.kernels.map { $0.figures["ii"] })
      #expect(run.assumptions.contains { $0.what.contains("as frames one after another") })
    }
  }

  /// Rows below the last window are read after the last word is given: whoever reads those words is through before.
  @Test func aStageThatStillReadsRowsNobodyNeedsLetsItsReadersEndFirst() throws {
    func strided(_ id: Int, _ size: Int, reads: Int, dependencies: [Int]) -> Kernel {
      var kernel = convolution(id, size: size, from: 4, to: 4, reads: reads, dependencies: dependencies)
      guard case .contraction(var product) = kernel.steps[0].computation else { return kernel }
      // One row and one column of the padded input are left over.
      product.convolution?.strides = [2, 2]
      product.convolution?.output = [size / 2, size / 2]
      product.m = size * size / 4
      product.output.count /= 4
      kernel.steps[0].computation = .contraction(product)
      kernel.writes = [tensor(id + 10, [1, 4, size / 2, size / 2])]
      return kernel
    }
    let chain = [strided(0, 64, reads: 1, dependencies: []), addition(1, size: 32, channels: 4, reads: [10, 10], dependencies: [0])]
    let run = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=36"])).run(chain, RunRequest())
    let readsOn = try #require(run.kernels[0].figures[KernelResult.readsOn])
    #expect(readsOn > 0 && run.kernels[1].figures[KernelResult.readsOn] == nil)
    let ends = run.kernels.map { $0.startSeconds + $0.latencySeconds }
    #expect(ends[1] < ends[0], "otherwise there is nothing to see")
    #expect(ends[0] - readsOn * run.kernels[0].latencySeconds / Double(run.kernels[0].cycles) <= ends[1])
  }

  /// A sum over all inputs is one frame: they are counted all the same.
  @Test func aKernelThatNeedsAllInputsMakesThemOneFrame() throws {
    let images = 4
    let sum = Reduction(
      kind: .sum, rows: 1, columns: images * 256, inputs: [operand(images * 256)], outputs: [operand(1)],
      costPerElement: ArithmeticCost(simple: 1))
    let last = Kernel(
      id: 4, name: "sum", origin: ["sum"], steps: [.init(computation: .reduction(sum), label: "sum", inputs: [13], outputs: [14])],
      anchor: 0, reads: [tensor(13, [images, 4, 8, 8])], writes: [tensor(14, [1])], dependencies: [3])
    let run = try FPGA(Targets.file("zu9eg")).run(residual(images: images) + [last], RunRequest(batch: images))
    #expect(run.assumptions.contains { $0.what.contains("'sum' needs its inputs together") })
    #expect((run.throughputPerSecond ?? 0) > Double(images) * 0.9 / run.latencySeconds)
  }

  @Test(arguments: ["pynq-z2", "zu9eg", "alveo-u250", "vck190"])
  func aResidualBlockRunsWithinItsBounds(target: String) throws {
    let run = try FPGA(Targets.file(target)).run(residual, RunRequest())
    #expect(run.floorSeconds > 0 && run.floorSeconds <= run.latencySeconds && run.latencySeconds <= run.serialSeconds)
    #expect(run.kernels.map(\.id) == [0, 1, 2, 3])
    #expect(run.kernels.allSatisfy { !$0.reason.isEmpty && $0.floorSeconds <= $0.latencySeconds })
    #expect(run.kernels.count { $0.bound == .compute } == 1)
    for pair in run.timeline.dependencies {
      #expect(run.kernels[pair[0]].startSeconds <= run.kernels[pair[1]].startSeconds)
    }
    #expect(run.resources.values.allSatisfy { $0.used <= $0.available || $0.available == 0 })
  }

  @Test func moreReuseIsSlowerAndSmaller() throws {
    let slow = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=36"])).run(residual, RunRequest())
    let fast = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=1"])).run(residual, RunRequest())
    #expect(fast.cycles < slow.cycles)
    let dsp = "dsp (post-synthesis-like)"
    #expect((fast.resources[dsp]?.used ?? 0) > (slow.resources[dsp]?.used ?? 0))
  }

  @Test func illegalReuseIsCorrectedAndReported() throws {
    let run = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=7"])).run(residual, RunRequest())
    #expect(run.diagnostics.contains { $0.message.contains("reuse factor 7") && $0.severity == .warning })
  }

  @Test func shallowFIFOsDeadlockTheShortcut() throws {
    let failure = #expect(throws: Failure.self) {
      try FPGA(Targets.file("zu9eg", set: ["hls.fifo-depth=1"])).run(residual, RunRequest())
    }
    #expect(failure?.description.contains("conv0->add3") == true)
    #expect(failure?.description.contains("depth of at least") == true)
  }

  @Test func whatDoesNotFitIsNamedWithDemandAndBound() throws {
    let failure = #expect(throws: Failure.self) {
      try FPGA(Targets.file("xc7z007s", set: ["hls.reuse=1"])).run(
        [convolution(0, size: 8, from: 64, to: 64, reads: 1)], RunRequest())
    }
    #expect(failure?.description.contains("dsp needed") == true)
  }

  /// What to change is what was asked for, not only the part.
  @Test(arguments: [
    (["hls.frame-rate=20000000"], "hls.frame-rate=20000000 folds too little: about "),
    (["hls.folding=conv0=1"], "with hls.folding=conv0=1 is too large: leave layers to the search"),
    (["hls.strategy=latency", "hls.fixed-bits=16"], "take --set hls.strategy=resource"), (["hls.reuse=1"], "raise the reuse factor"),
  ])
  func aMisfitNamesTheRequestThatCausedIt(settings: [String], words: String) throws {
    let large = [
      convolution(0, size: 8, from: 64, to: 64, reads: 1), convolution(1, size: 8, from: 64, to: 8, reads: 10, dependencies: [0]),
    ]
    let failure = #expect(throws: Failure.self) { try FPGA(Targets.file("zu9eg", set: settings)).run(large, RunRequest()) }
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
  }

  /// The layer that was probably meant, or all layers there are.
  @Test(arguments: [
    ("CONV", "did you mean conv0 or conv1 or conv2?"), ("re:.*9", "layers are conv0, conv1, conv2"),
    ("re:.*=4, conv1", "earlier rules, such as 're:.*', take"),
  ])
  func aRuleWithoutALayerSaysWhichThereAre(rule: String, words: String) throws {
    let machine = try FPGA(Targets.file("zu9eg", set: ["hls.folding=\(rule)=8"]))
    let failure = #expect(throws: Failure.self) { try machine.run(residual, RunRequest()) }
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
  }

  @Test func theResourceThatStopsAFasterFoldingIsNamed() throws {
    let large = [convolution(0, size: 8, from: 64, to: 64, reads: 1)]
    let run = try FPGA(Targets.file("zu9eg")).run(large, RunRequest())
    #expect(run.roomLimit?.contains(" needed, ") == true)
    #expect(run.assumptions.contains { $0.what.hasPrefix("the next faster folding does not fit: ") })
    #expect(try FPGA(Targets.file("zu9eg", set: ["hls.reuse=64"])).run(large, RunRequest()).roomLimit == nil)
  }

  @Test func aFrameRateIsMet() throws {
    let target = try Targets.file("zu9eg", set: ["hls.frame-rate=20000"])
    let run = try FPGA(target).run(residual, RunRequest())
    #expect((run.throughputPerSecond ?? 0) >= 20000)
  }

  @Test func twoRunsAreTheSame() throws {
    let machine = try FPGA(Targets.file("zu9eg"))
    let (first, second) = (try machine.run(residual, RunRequest()), try machine.run(residual, RunRequest()))
    #expect(first.kernels == second.kernels)
    #expect(first.timeline == second.timeline)
    #expect(first.resources == second.resources)
  }

  /// The caption of the picture: who sets the pace, and how deep the FIFO of every stream is.
  @Test func stagesStateTheirIntervalAndStreamsTheirDepth() throws {
    let run = try FPGA(Targets.file("zu9eg")).run(residual, RunRequest())
    #expect(run.kernels.allSatisfy { ($0.figures["ii"] ?? 0) > 0 })
    #expect(run.kernels.count { $0.figures["bottleneck"] != nil } == 1)
    let streams = run.kernels.dropFirst().flatMap(\.reads).filter { !$0.isConstant }
    #expect(!streams.isEmpty && streams.allSatisfy { ($0.fifoDepth ?? 0) > 0 })
  }

  @Test func aRuleFoldsTheLayerItNamesAndNoOther() throws {
    let plain = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=6"])).run(residual, RunRequest())
    let folded = try FPGA(Targets.file("zu9eg", set: ["hls.reuse=6", "hls.folding=re:conv1=36"])).run(residual, RunRequest())
    for (before, after) in zip(plain.kernels, folded.kernels) {
      #expect((before.figures["ii"] == after.figures["ii"]) == (before.name != "conv1"), "\(before.name)")
    }
    let lanes = try FPGA(Targets.file("zu9eg", set: ["hls.profile=finn-rtl", "hls.folding=conv2=2x4"])).run(residual, RunRequest())
    #expect(lanes.kernels[2].choice == "PE 2, SIMD 4")
  }

  @Test(arguments: ["conv9=4", "conv1=0", "conv1", "re:(=4", "conv1=3x2"])
  func aRuleThatCannotBeFollowedIsAnError(rule: String) throws {
    let machine = try FPGA(Targets.file("zu9eg", set: ["hls.folding=\(rule)"]))
    #expect(throws: Failure.self) { try machine.run(residual, RunRequest()) }
  }
}
