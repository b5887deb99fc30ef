import IR
import Lowering
import Ops
import Passes
import Testing

/// Quantised values around plain operators reach machines as the integers they are stored in.
@Suite("Stored values")
struct StoredValueTests {
  private static let layer = """
    graph "layer" {
      source "m" "onnx" "hand" nodes ["conv", "relu", "store", "add", "store2"]
      input %0 "x" : i8[1, 2, 4, 4]
      const %1 "w" : i8[3, 2, 1, 1] = base64 "AQIDBAUG"
      const %2 "x.scale" : f32[] = base64 "AAAAPw=="
      const %3 "w.scale" : f32[3] = base64 "AAAAPwAAAD8AAAA/"
      const %4 "zero" : i8[] = base64 "Aw=="
      %5 "xr" : f32[1, 2, 4, 4]<i8 tensor f32 asymmetric> = dequantize(%0, %2, %4) {axis = 1, blockSize = 0} name "xr" from []
      %6 "wr" : f32[3, 2, 1, 1]<i8 channel 0 f32> = dequantize(%1, %3) {axis = 0, blockSize = 0} name "wr" from []
      %7 "c" : f32[1, 3, 4, 4] = conv(%5, %6) {strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1, padding = "explicit"} name "conv" from ["conv"]
      %8 "r" : f32[1, 3, 4, 4] = unary(%7) {function = "relu"} name "relu" from ["relu"]
      %9 "q" : i8[1, 3, 4, 4] = quantize(%8, %2, %4) {axis = 1, blockSize = 0, storage = none, saturates = true} name "store" from ["store"]
      %10 "qr" : f32[1, 3, 4, 4]<i8 tensor f32 asymmetric> = dequantize(%9, %2, %4) {axis = 1, blockSize = 0} name "qr" from []
      %11 "s" : f32[1, 3, 4, 4] = binary(%10, %10) {function = "add"} name "add" from ["add"]
      %12 "y" : i8[1, 3, 4, 4] = quantize(%11, %2, %4) {axis = 1, blockSize = 0, storage = none, saturates = true} name "store2" from ["store2"]
      output %12
    }
    """

  private static func program(_ capabilities: Capabilities) throws -> KernelProgram {
    let graph = try GraphText.parse(layer, file: "layer", operators: OperatorCatalog.byName)
    #expect(graph.verify().isEmpty)
    #expect(graph.verifyTypes().isEmpty, "\(graph.verifyTypes())")
    var reports: [PassManager.Report] = []
    let context = PassContext(capabilities: capabilities, values: .structural)
    return try KernelProgram(try PassManager(PassCatalog.predict).run(graph, context, reports: &reports))
  }

  /// A machine that fuses no chains and no second tensor still stores the result of each operator in one go.
  @Test func requantisationBelongsToItsOperator() throws {
    var capabilities = Capabilities()
    capabilities.epilogueFunctions = ["relu"]
    capabilities.fusesResidual = false
    capabilities.fusesPointwiseChains = false
    capabilities.fusesReductionSinks = false
    let program = try Self.program(capabilities)
    #expect(program.kernels.map(\.origin) == [["conv", "relu", "store"], ["add", "store2"]])
    for kernel in program.kernels {
      #expect(kernel.writes.map(\.type.storage) == [.int8])
      #expect(kernel.reads.first { !$0.operand.isConstant }?.operand.storage == .int8)
    }
  }

  /// The weights a kernel reads are the stored bytes, scales apart; the contraction knows them as weights.
  @Test func weightsAreReadAsStored() throws {
    let kernel = try #require(try Self.program(Capabilities()).kernels.first)
    guard case .contraction(let contraction) = kernel.anchorComputation else { Issue.record("no contraction"); return }
    #expect(contraction.rhs.isConstant)
    #expect(contraction.rhs.storage == .int8 && contraction.lhs.storage == .int8)
    #expect(contraction.rhs.encoding.quantization?.granularity == .channel(axis: 0))
    let weights = try #require(kernel.reads.first { $0.operand.isConstant && $0.operand.count == 6 })
    #expect(weights.operand.bytes == 6)
    #expect(weights.data?.byteCount == 6)
  }
}
