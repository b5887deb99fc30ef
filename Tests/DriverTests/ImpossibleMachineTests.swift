import Basic
import Driver
import Hardware
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
    #expect(message.contains("--batch") && message.contains("nvidia-a100-sxm4-80gb.xml"), "\(message)")
  }

  @Test(arguments: [
    ("systolic-array", "array.rows=0", "<rows> must be at least 1"), ("systolic-array", "array.rows=-1", "<rows> must be at least 1"),
    ("systolic-array", "array.rows=1e18", "<rows> must be at most"), ("systolic-array", "array.rows=16.5", "<rows> must be a whole number"),
    ("systolic-array", "sram.capacity=0 B", "<capacity> must be at least 1"),
    ("systolic-array", "sram.capacity=9e18 B", "<capacity> must be at most"),
    ("edge-tpu-usb", "instructions.result-size=1e9 B", "<result-size> must be between"),
    ("edge-tpu-usb", "instructions.layer-size=-1 B", "<layer-size> must be at least 0"),
    ("edge-tpu-usb", "clock=0 Hz", "<clock> must be between"), ("nvdla-large", "clock=1e300 Hz", "<clock> must be between"),
    ("ethos-u55-128", "clock=-1 GHz", "<clock> must be between"), ("zu9eg", "clock=0 Hz", "<clock> must be between"),
    ("zu9eg", "hls.reuse=-1", "<reuse> must be at least 0"), ("zu9eg", "hls.fixed-bits=0", "<fixed-bits> must be at least 1"),
    ("zu9eg", "hls.fifo-depth=1e17", "<fifo-depth> must be at most"), ("zu9eg", "hls.frame-rate=-1", "<frame-rate> must be at least 0"),
    ("zu9eg", "capacity.dsp=-4", "<dsp> must be at least 0"),
  ])
  func isRefused(_ target: String, _ assignment: String, _ message: String) throws {
    var file = try PredictionTests.catalog.load(target)
    try file.set(assignment)
    let failure = #expect(throws: Failure.self) { _ = try MachineCatalog.machine(for: file) }
    #expect(failure?.diagnostics.count == 1)
    #expect(failure?.diagnostics.first?.message.hasPrefix(message) == true, "\(failure?.description ?? "")")
  }
}
