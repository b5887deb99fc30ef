import Basic
import Driver
import Foundation
import Hardware
import Lowering
import Testing

/// Machines that cannot be: every one is refused with a single error that names the number.
@Suite struct ImpossibleMachineTests {
  /// What does not fit is said in the terms of the model and the machine, with what to do.
  @Test func aModelThatDoesNotFitIsRefused() {
    var prediction = Prediction(
      model: ModelRequest(path: "\(PredictionTests.root)/graphs/llama-3-70b.json"), target: "nvidia-a100-sxm4-80gb",
      catalog: PredictionTests.catalog)
    prediction.model.dimensions = ["sequence": 1]
    let failure = #expect(throws: Failure.self) { _ = try prediction.run() }
    let message = failure?.description ?? ""
    #expect(message.contains("GiB of dram") && message.contains("for weights; 'nvidia-a100-sxm4-80gb' has 80.0 GiB"), "\(message)")
    #expect(message.contains("the weights alone do not fit") && message.contains("nvidia-a100-sxm4-80gb.xml"), "\(message)")
  }

  /// Where the weights fit, fewer inputs would.
  @Test func aBatchThatDoesNotFitIsRefused() {
    var prediction = Prediction(
      model: ModelRequest(path: "\(PredictionTests.root)/graphs/llama-3-8b.json"), target: "nvidia-a100-sxm4-80gb",
      catalog: PredictionTests.catalog)
    prediction.model.dimensions = ["batch": 4096, "sequence": 1, "past": 4096]
    let failure = #expect(throws: Failure.self) { _ = try prediction.run() }
    #expect(failure?.description.contains("--batch") == true, "\(failure?.description ?? "")")
  }

  /// Numbers that are each within their range may still be too much together.
  @Test(arguments: [RunRequest.Launch.graph, .eager])
  func aRunOfMoreCyclesThanFitIsRefused(_ launch: RunRequest.Launch) {
    var prediction = Prediction(
      model: ModelRequest(path: "\(PredictionTests.root)/graphs/mobilenet-v1-0.25-food101.cwg"), target: "nvidia-t4",
      catalog: PredictionTests.catalog)
    prediction.overrides = ["boost-clock=1000 GHz", "dram.bandwidth=1 KB/s", "dram.efficiency=0.001", "streaming.tensors.total=1000 s"]
    prediction.launch = launch
    let failure = #expect(throws: Failure.self) { _ = try prediction.run() }
    #expect(failure?.description.contains("more clock cycles than 'nvidia-t4' can count") == true, "\(failure?.description ?? "")")
  }

  private static let shares = "0.001 to 10"
  private static let whole = "must be a whole number from"
  private static let gpu = [
    ("dram.bandwidth=0", "'0' in <bandwidth> is not a number with a unit of bytesPerSecond"),
    ("dram.bandwidth=0 GB/s", "<bandwidth> must be from 1 KB/s to 10 PB/s, not '0 GB/s'"),
    ("dram.bandwidth=-1 GB/s", "<bandwidth> must be from 1 KB/s to 10 PB/s, not '-1 GB/s'"),
    ("dram.bandwidth=", "'' in <bandwidth> is not a number"),
    ("dram.efficiency=0", "<efficiency> must be from \(shares), not '0'"), ("l2.efficiency=-1", "<efficiency> must be from \(shares)"),
    ("dram.capacity=1e30 GiB", "<capacity> must be from 1 B to 1 PiB, not '1e30 GiB'"),
    ("dram.capacity=1e300 PiB", "'1e300 PiB' in <capacity> is not a number with a unit of bytes"),
    ("dram.skew=2", "<skew> must be from 0 to 1, not '2'"), ("dram.energy=-1 pJ/B", "<energy> must be from 0 J/B to 1 J/B, not '-1 pJ/B'"),
    ("launch.graph=1e30 s", "<graph> must be from 0 s to 1000 s, not '1e30 s'"),
    ("launch.graph=-1 s", "<graph> must be from 0 s to 1000 s, not '-1 s'"),
    ("boost-clock=1e30 Hz", "<boost-clock> must be from 1 Hz to 1000 GHz, not '1e30 Hz'"),
    ("sm-count=0", "<sm-count> \(whole) 1 to 16777216, not '0'"), ("sm.threads=1e300", "<threads> must be from 1 to 16777216, not '1e300'"),
    ("sm.registers=0", "<registers> must be from 1 to 16777216, not '0'"),
    ("sm.fp32-lanes=0", "<fp32-lanes> must be from 0.001 to 1000000"),
    ("power.clock-exponent=0", "<clock-exponent> must be from 1 to 10"), ("gemm.overlap=1.5", "<overlap> must be from 0 to 1, not '1.5'"),
    ("gemm.convolution.core-share=0", "core-share in <convolution> must be from \(shares), not '0'"),
    ("gemm.convolution.split-limit=0.5", "split-limit in <convolution> \(whole) 1 to 16777216, not '0.5'"),
    ("gemm.convolution.prelude=", "prelude=\"\" in <convolution> is not a number"),
    ("gemm.mma-tiles.tile.stages=1", "stages in <tile> \(whole) 2 to 1024, not '1'"),
    ("streaming.memory-efficiency=0", "<memory-efficiency> must be from \(shares)"),
    ("streaming.tensors.total=-1 us", "total in <host> must be from 0 s to 1000 s, not '-1 us'"),
    ("attention.trtllm.memory-efficiency=0", "<memory-efficiency> must be from \(shares)"),
    ("attention.trtllm.prefill.rearrange-efficiency=-1", "<rearrange-efficiency> must be 0 or from \(shares), not '-1'"),
    ("attention.trtllm.XQA.groups-to=1", "groups-to in <decode> \(whole) 2 to 16777216, not '1'"),
    ("attention.trtllm.XQA.rate-of=byte", "rate-of=\"byte\" in <decode> is not known"),
    ("attention.trtllm.XQA.more-heads=block", "more-heads=\"block\" in <decode> is not known"),
    ("attention.trtllm.XQA.hidden-start=2", "<hidden-start> must be from 0 to 1"),
    ("attention.trtllm.prefill.single-query=decoded", "value=\"decoded\" in <single-query> is not known"),
    ("mixture.issue-share=0", "<issue-share> must be from \(shares)"),
    ("recurrent.resident-share=-1", "<resident-share> must be from 0 to 1"),
    ("collectives.link-bandwidth=0 B/s", "<link-bandwidth> must be from 1 KB/s to 10 PB/s, not '0 B/s'"),
  ].map { ("nvidia-a100-sxm4-80gb", $0.0, $0.1) }
  private static let npu = [
    ("systolic-array", "array.rows=0", "<rows> \(whole) 1 to 16777216, not '0'"),
    ("systolic-array", "array.rows=-1", "<rows> \(whole) 1 to 16777216, not '-1'"),
    ("systolic-array", "array.rows=1e18", "<rows> \(whole) 1 to 16777216, not '1e18'"),
    ("systolic-array", "array.rows=16.5", "<rows> \(whole) 1 to 16777216, not '16.5'"),
    ("systolic-array", "sram.capacity=0 B", "<capacity> \(whole) 1 B to 1 PiB, not '0 B'"),
    ("systolic-array", "sram.capacity=9e18 B", "<capacity> \(whole) 1 B to 1 PiB, not '9e18 B'"),
    ("systolic-array", "sram.capacity=1e300 PiB", "'1e300 PiB' in <capacity> is not a number with a unit of bytes"),
    ("edge-tpu-usb", "instructions.result-size=1e9 B", "<result-size> must be from 0 B to 4 KiB, not '1e9 B'"),
    ("edge-tpu-usb", "instructions.layer-size=-1 B", "<layer-size> \(whole) 0 B to 1 GiB, not '-1 B'"),
    ("edge-tpu-usb", "clock=0 Hz", "<clock> must be from 1 Hz"), ("nvdla-large", "clock=1e300 Hz", "<clock> must be from 1 Hz"),
    ("ethos-u55-128", "clock=-1 GHz", "<clock> must be from 1 Hz to 1000 GHz, not '-1 GHz'"),
    ("ethos-u55-128", "weight-code.alignment=0 B", "<alignment> \(whole) 1 B to 16 MiB, not '0 B'"),
    ("ethos-u55-128", "weight-code.coding-overhead=1e30", "<coding-overhead> must be from 0.001 to 1000, not '1e30'"),
    ("ethos-u55-128", "weight-code.coding-overhead=-5", "<coding-overhead> must be from 0.001 to 1000, not '-5'"),
    ("ethos-u55-128", "weight-code.assumed-bits=1e300", "<assumed-bits> must be from 0.001 to 1000, not '1e300'"),
    ("ethos-u55-128", "weight-code.channel-size=1e15 B", "<channel-size> \(whole) 0 B to 16 MiB, not '1e15 B'"),
    ("ethos-u55-128", "weight-code.entropy-coded=maybe", "value=\"maybe\" in <entropy-coded> is not known"),
    ("ethos-u55-128", "flash.width=1e-300 B/clk", "<width> must be from 1e-05 B/clk to 1000000000 B/clk, not '1e-300 B/clk'"),
    ("nvdla-large", "dram.efficiency=0", "<efficiency> must be from 0.001 to 1, not '0'"),
    ("ethos-u55-128", "host.element-rate=0 OP/s", "<element-rate> must be from 1 KFLOP/s to 1000 PFLOP/s, not '0 OP/s'"),
    ("ethos-u55-128", "host.call=1e30 s", "<call> must be from 0 s to 1000 s, not '1e30 s'"),
    ("ethos-u55-128", "host.call=-1 s", "<call> must be from 0 s to 1000 s, not '-1 s'"),
    ("ethos-u55-128", "mac-energy=-1 J", "<mac-energy> must be from 0 J to 1 J, not '-1 J'"),
    ("ethos-u55-128", "format.cycles=0", "cycles in <format> must be from 0.001 to 1000, not '0'"),
    ("ethos-u55-128", "vector.rate.cycles=-1", "cycles in <rate> must be from 0 to 1000000, not '-1'"),
  ]
  private static let fpga = [
    ("clock=0 Hz", "<clock> must be from 1 Hz to 1000 GHz, not '0 Hz'"), ("hls.reuse=-1", "<reuse> \(whole) 0 to 1000000000, not '-1'"),
    ("hls.fixed-bits=0", "<fixed-bits> \(whole) 1 to 1024, not '0'"), ("hls.fifo-depth=1e17", "<fifo-depth> \(whole) 0 to 1073741824"),
    ("hls.frame-rate=-1", "<frame-rate> must be 0 or from 0.001 to 1000000000000, not '-1'"),
    ("hls.frame-rate=1e-30", "<frame-rate> must be 0 or from 0.001 to 1000000000000, not '1e-30'"),
    ("hls.strategy=", "value=\"\" in <strategy> is not known"), ("capacity.dsp=-4", "<dsp> \(whole) 0 to 1000000000, not '-4'"),
    ("usable.lut=1e300", "<lut> must be from 0 to 1, not '1e300'"), ("usable.lut=-1", "<lut> must be from 0 to 1, not '-1'"),
    ("dies=0", "<dies> \(whole) 1 to 16777216, not '0'"), ("memory.block.rung.depth=0", "depth in <rung> \(whole) 1 to 16777216, not '0'"),
    ("hls4ml-vitis.area.lut-kept=0", "<lut-kept> must be from 0.001 to 1, not '0'"),
    ("hls4ml-vitis.kernel-timing.serial-rate=0", "<serial-rate> must be from 0.001 to 1000, not '0'"),
    ("hls4ml-vitis.memory-use.window-fifos=2", "<window-fifos> \(whole) 0 to 1, not '2'"),
  ].map { ("zu9eg", $0.0, $0.1) }

  @Test(arguments: gpu + npu + fpga)
  func isRefused(_ target: String, _ assignment: String, _ message: String) throws {
    var file = try PredictionTests.catalog.load(target)
    try file.set(assignment)
    let failure = #expect(throws: Failure.self) { _ = try MachineCatalog.machine(for: file) }
    #expect(failure?.diagnostics.count == 1)
    #expect(failure?.diagnostics.first?.message.hasPrefix(message) == true, "\(failure?.description ?? "")")
  }

  /// A word that selects a model is one of those the error names, and a yes or no has the forms of XML Schema.
  @Test func wordsAreNotGuessed() throws {
    func machine(_ assignment: String) throws(Failure) -> any Machine {
      var file = try PredictionTests.catalog.load("nvidia-h100-sxm5-80gb")
      try file.set(assignment)
      return try MachineCatalog.machine(for: file)
    }
    let failure = #expect(throws: Failure.self) { _ = try machine("attention.trtllm.XQA.rate-of=byte") }
    #expect(failure?.diagnostics.first?.fix == "did you mean bytes? It is one of elements, bytes")
    for word in ["1", "0", "true", "false", "yes", "no"] { _ = try machine("gemm.fp8 block-scaled.block-scaled=\(word)") }
    #expect(throws: Failure.self) { _ = try machine("gemm.fp8 block-scaled.block-scaled=2") }
  }

  /// Checking a file finds what a prediction with it would refuse.
  @Test func lintReportsImpossibleNumbers() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cw-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(atPath: PredictionTests.catalog.folder, toPath: folder.path)
    try """
    <target name="odd" family="gpu" extends="nvidia-a100-sxm4-80gb"><gpu basis="assumed" source="test">
    <dram><bandwidth value="0 GB/s"/></dram>
    <attention><library name="trtllm"><decode name="XQA" rate-of="byte"/></library></attention>
    <gemm><path name="int8" block-scaled="maybe"/></gemm>
    </gpu></target>
    """.write(to: folder.appendingPathComponent("gpu/odd.xml"), atomically: true, encoding: .utf8)
    let found = TargetLint(TargetCatalog(folder: folder.path)).check(["odd"])
    #expect(found.hasErrors)
    for text in ["odd.xml:2: error: <bandwidth> must be from", "rate-of=\"byte\"", "block-scaled=\"maybe\""] {
      #expect(found.text.contains(text), "\(found.text)")
    }
  }
}
