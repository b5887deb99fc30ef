import Basic
import Driver
import Foundation
import Reports
import Results
import Testing

/// In which formats layers run when nobody names one.
struct DefaultPrecisionTests {
  private static let fixtures = "\(PredictionTests.root)/Tests/CompressionTests/Fixtures"

  private func temporary(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString)-\(name)").path
  }

  private func predict(_ path: String, _ dimensions: [String: Int], _ target: String, precision: String? = nil) throws -> RunResult {
    var request = ModelRequest(path: path)
    request.dimensions = dimensions
    request.precision = precision
    return try Prediction(model: request, target: target, catalog: PredictionTests.catalog).run()
  }

  /// The file says how weights are stored and nothing of what they are multiplied by: that runs as it does for the original.
  @Test(arguments: [("nvidia-a100-sxm4-80gb", "i8 weights × f16"), ("nvidia-t4", "i8 weights × f16"), ("ethos-u55-128", "i8")])
  func weightsInFewBitsDoNotChangeTheFormatOfTheRest(_ target: String, _ formats: String) throws {
    var request = ModelRequest(path: "\(Self.fixtures)/digits-resnet.onnx")
    request.dimensions = ["n": 64]
    var run = CompressionRun(model: request, recipe: try CompressionRun.recipe("\(PredictionTests.root)/recipes/int8-weights.yaml"))
    run.target = target
    run.catalog = PredictionTests.catalog
    let (model, report) = try run.run()
    let latency = try #require(report.latency)
    #expect(latency.afterSeconds < 1.3 * latency.beforeSeconds)
    let path = temporary("weights.onnx")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try GraphOutput.write(model.graph, to: path)
    let result = try predict(path, [:], target)
    #expect(result.totals.latencySeconds == latency.afterSeconds)
    #expect(result.request.formats?.hasPrefix(formats) == true, "\(result.request)")
    #expect(TextReport.heading(result).contains(", \(formats)"))
  }

  /// Packed weights that an operator unpacks itself are stored weights as well.
  @Test func packedWeightsAreNamed() throws {
    let path = temporary("packed.cwg")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try """
    graph "g" {
      source "g.onnx" "onnx" "by hand" nodes ["product"]
      input %0 "x" : f32[64, 1024]
      const %1 "b" : u8[2048, 32, 16] = absent
      const %2 "scales" : f32[65536] = absent
      %3 "y" : f32[64, 2048] = matmul-block-quantized(%0, %1, %2) {depth = 1024, columns = 2048, bits = 4, blockSize = 32, accuracy = 0} name "product" from ["product"]
      output %3
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    let result = try predict(path, [:], "nvidia-a100-sxm4-80gb")
    #expect(result.request.formats == "u4 weights × f16")
    let half = try predict(path, [:], "nvidia-a100-sxm4-80gb", precision: "fp16")
    #expect(result.totals.latencySeconds == half.totals.latencySeconds)
  }

  /// "a16" are the machine's 16 bits: a GPU without bfloat16 instructions does not emulate them.
  @Test(
    arguments: ["nvidia-t4", "nvidia-v100-sxm2-16gb", "nvidia-jetson-agx-xavier", "nvidia-a100-sxm4-80gb"], ["w8a16", "w4a16", "int8"])
  func sixteenBitsAreTheMachinesOwn(_ target: String, _ precision: String) throws {
    let path = "\(PredictionTests.root)/graphs/resnet-50.cwg"
    let result = try predict(path, ["batch": 32], target, precision: precision)
    let hasBrain = target.contains("a100")
    for kernel in result.kernels {
      #expect(!kernel.reason.contains("computed as fp32"), "\(kernel.name): \(kernel.reason)")
      #expect(hasBrain || kernel.format != "bf16")
    }
    let half = try predict(path, ["batch": 32], target, precision: "fp16")
    #expect(result.totals.latencySeconds < 1.3 * half.totals.latencySeconds)
  }

  @Test func whatTheFileDoesNotSayIsAnAssumption() throws {
    let path = "\(PredictionTests.root)/graphs/resnet-50.cwg"
    let assumed = try predict(path, ["batch": 1], "nvidia-t4")
    #expect(assumed.assumptions.contains { $0.what.contains("f32 run in f16") })
    let named = try predict(path, ["batch": 1], "nvidia-t4", precision: "fp16")
    #expect(!named.assumptions.contains { $0.what.contains("run in f16") })
    #expect(named.totals.latencySeconds == assumed.totals.latencySeconds)
  }

  /// Weights as `quantization_config` stores them, the head in 16 bits.
  @Test func aPublishedQuantizationIsTheDefault() throws {
    let plain =
      #"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "torch_dtype": "float16", "hidden_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 4096, "vocab_size": 32000"#
    let path = temporary("config.json")
    defer { try? FileManager.default.removeItem(atPath: path) }
    func result(_ more: String, precision: String? = nil) throws -> RunResult {
      try (plain + more + "}").write(toFile: path, atomically: true, encoding: .utf8)
      return try predict(path, ["batch": 1, "sequence": 1, "past": 64], "nvidia-a100-sxm4-80gb", precision: precision)
    }
    let half = try result("")
    #expect(!half.assumptions.contains { $0.what.contains("run in f16") })
    let stored = try result(#", "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 64}"#)
    #expect(stored.request.precision == "w4a16-g64")
    #expect(stored.assumptions.contains { $0.what.contains("awq, 4 bits, groups of 64") })
    // The head and the embeddings are as large as before, and the rest takes 4.25 of 16 bits.
    let head = 2 * 2 * 1024 * 32000
    let expected = Double(head) + Double(half.model.weightBytes - head) * 4.25 / 16
    #expect(abs(Double(stored.model.weightBytes) / expected - 1) < 0.01)
    let asked = try result(#", "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 64}"#, precision: "fp16")
    #expect(asked.totals.latencySeconds == half.totals.latencySeconds)
    let unknown = try result(#", "quantization_config": {"quant_method": "aqlm"}"#)
    #expect(unknown.diagnostics.contains { $0.message.contains("quantization_config (aqlm)") })
  }

  /// One latent vector per token and layer, which is keys and values at once.
  @Test func latentCachesCountOnce() throws {
    func peak(_ past: Int) throws -> Int {
      let path = "\(PredictionTests.root)/graphs/deepseek-v2-lite.json"
      let result = try predict(path, ["batch": 1, "sequence": 1, "past": past], "nvidia-b200")
      return try #require(result.totals.peakMemoryBytes["dram"])
    }
    #expect(try peak(4000) - peak(3000) == 1000 * 27 * 576 * 2)
  }
}
