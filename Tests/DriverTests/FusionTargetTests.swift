import Basic
import Foundation
import Hardware
import IR
import Lowering
import Testing

@Suite("What targets say they fuse")
struct FusionTargetTests {
  private func capabilities(_ fusion: String) throws -> Capabilities {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fusion-\(UUID().uuidString)/npu")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
    let text = "<target name=\"t\" family=\"npu\">\(fusion)</target>"
    let file = folder.appendingPathComponent("t.xml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    return try Capabilities(try TargetCatalog(folder: folder.deletingLastPathComponent().path).load(path: file.path))
  }

  @Test func whatIsNotWrittenIsNotDone() throws {
    #expect(try capabilities("") == .none)
    let some = try capabilities(
      """
      <fusion basis="assumed" source="test"><epilogue functions="relu add" residual="yes"/><chain pointwise="yes" inputs="4"/><operand loads="pad"/>
      <kernel forms="layer-normalization"/><attention forms="causal" head-dimension="64"/></fusion>
      """)
    #expect(some.epilogueFunctions == ["relu", "add"] && some.fusesResidual && some.fusesPointwiseChains)
    #expect(!some.fusesReductionSinks && !some.fusesGathers && !some.readsSlices && !some.mergesProjections)
    #expect(some.maximumKernelInputs == 4 && some.operandLoads == [.pad])
    #expect(some.forms == [.layerNormalization, .attention])
    #expect(some.attention == AttentionSupport(forms: [.causal], maximumHeadDimension: 64, loads: [.pad]))
  }

  @Test func integersAreAsDeclared() throws {
    let declared = try capabilities(
      """
      <fusion basis="assumed" source="test"><integers accumulator="40" overflow="saturate" requantization="fixed-point" multiplier="15" rounding="half-up"/></fusion>
      """)
    #expect(
      declared.integers
        == IntegerArithmetic(accumulatorBits: 40, overflow: .saturate, requantization: .fixedPoint, multiplierBits: 15, rounding: .halfUp))
    #expect(try capabilities("<fusion/>").integers == .onnxruntime)
    func shipped(_ name: String) throws -> IntegerArithmetic {
      try Capabilities(try PredictionTests.catalog.load(name)).integers
    }
    let lite = IntegerArithmetic(requantization: .fixedPoint, rounding: .gemmlowp)
    for name in ["ethos-u55-128", "ethos-u85-256", "edge-tpu-usb", "tpu-v1", "stm32n6", "syntiant-ndp120-30mhz"] {
      #expect(try shipped(name) == lite, "\(name)")
    }
    for name in ["nvidia-t4", "gemmini-16x16", "systolic-array"] { #expect(try shipped(name) == .onnxruntime, "\(name)") }
    let converter = IntegerArithmetic(
      overflow: .saturate, requantization: .fixedPoint, multiplierBits: 15, rounding: .halfAwayFromZero)
    for name in ["nvdla-small", "jetson-xavier-dla", "jetson-orin-dla"] { #expect(try shipped(name) == converter, "\(name)") }
    let pipeline = IntegerArithmetic(accumulatorBits: 48, requantization: .fixedPoint, multiplierBits: 17, rounding: .down)
    for name in ["xc7z020", "zcu104", "alveo-u280"] { #expect(try shipped(name) == pipeline, "\(name)") }
  }

  @Test(
    "mistakes are named",
    arguments: [
      ("<fusion><kernel forms=\"layer-normalisation\"/></fusion>", "did you mean layer-normalization?"),
      ("<fusion><chain pointwise=\"maybe\" inputs=\"4\"/></fusion>", "one of yes, no"),
      (
        "<fusion><integers accumulator=\"32\" overflow=\"wrap\" requantization=\"real\" rounding=\"half-evn\"/></fusion>",
        "did you mean half-even?"
      ),
      ("<fusion><epilog functions=\"*\"/></fusion>", "did you mean <epilogue>?"),
      ("<fusion><chain inputs=\"0\"/></fusion>", "inputs in <chain> must be a whole number from 1 to"),
    ])
  func mistakes(_ fusion: String, _ hint: String) {
    let failure = #expect(throws: (any Error).self) { _ = try capabilities(fusion) }
    #expect("\(String(describing: failure))".contains(hint), "\(String(describing: failure))")
  }
}
