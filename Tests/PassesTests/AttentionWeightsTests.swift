import Foundation
import IR
import Ops
import Passes
import Testing

/// What stands between the softmax of attention and its second product.
@Suite("Weights of attention")
struct AttentionWeightsTests {
  /// Operands [2, 3, 4] of one head per image as %0, %1 and %2, with features before positions; `lines` end in %20.
  private func run(_ lines: [String], _ capabilities: Capabilities = Capabilities()) throws -> (graph: Graph, reasons: [String]) {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "softmax", "turn", "pv"]
        input %0 "q" : f32[2, 4, 3]
        input %1 "k" : f32[2, 3, 4]
        input %2 "v" : f32[2, 3, 4]
        input %3 "z" : f32[2, 4, 1]
        input %4 "q4" : f32[2, 2, 4, 3]
        input %5 "k4" : f32[2, 2, 3, 4]
        input %6 "v4" : f32[2, 2, 4, 3]
        input %7 "z4" : f32[2, 1, 1]
        const %8 "zero" : i64[1] = values [0]
        const %9 "minus" : i64[1] = values [-1]
        const %10 "two" : i64[1] = values [2]
        const %11 "wide" : i64[4] = values [2, 2, 4, 1]
        const %18 "three" : i64[1] = values [3]
        const %21 "one" : i64[1] = values [1]
        \(lines.joined(separator: "\n    "))
        output %20
      }
      """
    let graph = try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    var options = PassManager.Options()
    options.checksPromises = true
    options.verifiesTypes = true
    let context = PassContext(capabilities: capabilities)
    var reports: [PassManager.Report] = []
    let result = try PassManager([pass], options: options).run(graph, context, reports: &reports)
    return (result, context.ledger.missed.map(\.reason))
  }

  private func line(_ number: Int, _ shape: String, _ expression: String, _ attributes: String = "") -> String {
    "%\(number) \"v\(number)\" : f32\(shape) = \(expression) \(attributes) name \"v\(number)\" from [\"pv\"]"
  }

  private let softmax = "{function = \"Softmax\", axis = -1, isFlattened = false}"

  private func attention(_ graph: Graph) -> Node? {
    graph.nodeIDs.map { graph[$0] }.first { $0.operation is ScaledDotProductAttention }
  }

  /// V·Pᵀ of three axes, as in the autoencoders of latent diffusion and in non-local blocks.
  @Test func probabilitiesMayStandSecond() throws {
    let (result, reasons) = try run([
      line(15, "[2, 4, 4]", "matmul(%0, %1)"), line(16, "[2, 4, 4]", "softmax(%15)", softmax),
      line(17, "[2, 4, 4]", "transpose(%16)", "{permutation = [0, 2, 1]}"), line(20, "[2, 3, 4]", "matmul(%2, %17)"),
    ])
    #expect(attention(result) != nil, "\(reasons)")
    #expect(!result.nodeIDs.contains { result[$0].operation is Softmax })
  }

  @Test func theLargestScoreMayBeTakenAway() throws {
    let (result, reasons) = try run([
      line(13, "[2, 2, 4, 4]", "matmul(%4, %5)"),
      line(14, "[2, 2, 4, 1]", "reduce(%13, %9)", "{function = \"Max\", keepsAxes = true, reducesNothingByDefault = false}"),
      line(15, "[2, 2, 4, 4]", "binary(%13, %14)", "{function = \"sub\"}"), line(16, "[2, 2, 4, 4]", "softmax(%15)", softmax),
      line(20, "[2, 2, 4, 3]", "matmul(%16, %6)"),
    ])
    #expect(attention(result) != nil, "\(reasons)")
  }

  /// Scores of four axes beside a column of sinks.
  private var sinks: [String] {
    [
      line(13, "[2, 2, 4, 4]", "matmul(%4, %5)"), line(14, "[2, 2, 4, 1]", "expand(%7, %11)"),
      line(15, "[2, 2, 4, 5]", "concat(%13, %14)", "{axis = 3}"), line(16, "[2, 2, 4, 5]", "softmax(%15)", softmax),
      line(17, "[2, 2, 4, 4]", "slice(%16, %8, %9, %9)"), line(20, "[2, 2, 4, 3]", "matmul(%17, %6)"),
    ]
  }

  @Test func sinksStandBesideTheKeys() throws {
    let (result, reasons) = try run(sinks)
    let node = try #require(attention(result), "\(reasons)")
    #expect(node.inputs.count == 5 && node.inputs[3] == nil)
    #expect(node.inputs[4].map { result[$0].name } == "z4")
  }

  @Test func aTargetMayLackSinks() throws {
    var capabilities = Capabilities()
    capabilities.attention.forms = [.mask, .causal, .grouped]
    #expect(try run(sinks, capabilities).reasons == ["the target's fused attention has no sinks form"])
  }

  @Test func sinksOfThreeAxesAreNamed() throws {
    let (_, reasons) = try run([
      line(15, "[2, 4, 4]", "matmul(%0, %1)"), line(16, "[2, 4, 5]", "concat(%15, %3)", "{axis = -1}"),
      line(17, "[2, 4, 5]", "softmax(%16)", softmax), line(19, "[2, 4, 4]", "slice(%17, %8, %9, %9)"),
      line(20, "[2, 4, 3]", "matmul(%19, %0)"),
    ])
    #expect(reasons == ["a column that takes weight stands beside scores that are not [batch, heads, queries, keys]"])
  }

  /// Heads that are mixed behind the softmax (CaiT).
  @Test func mixedHeadsAreNamed() throws {
    let (_, reasons) = try run([
      "const %22 \"w\" : f32[2, 2] = base64 \"AACAPwAAAD8AAAA/AACAPw==\"",
      line(13, "[2, 2, 4, 4]", "matmul(%4, %5)"), line(14, "[2, 2, 4, 4]", "softmax(%13)", softmax),
      line(15, "[2, 4, 4, 2]", "transpose(%14)", "{permutation = [0, 2, 3, 1]}"), line(16, "[2, 4, 4, 2]", "matmul(%15, %22)"),
      line(17, "[2, 2, 4, 4]", "transpose(%16)", "{permutation = [0, 3, 1, 2]}"), line(20, "[2, 2, 4, 3]", "matmul(%17, %6)"),
    ])
    #expect(reasons == ["the probabilities pass something else before they weigh the values"])
  }

  /// Every second of three weights is one less, and the column that was put beside the keys is among them.
  @Test func everySecondColumnIsNoSink() throws {
    let (result, reasons) = try run([
      line(13, "[2, 4, 4]", "matmul(%0, %1)"), line(14, "[2, 4, 2]", "slice(%13, %8, %10, %9)"),
      line(15, "[2, 4, 3]", "concat(%14, %3)", "{axis = -1}"), line(16, "[2, 4, 3]", "softmax(%15)", softmax),
      line(17, "[2, 4, 2]", "slice(%16, %8, %18, %9, %10)"), line(19, "[2, 2, 4]", "slice(%1, %8, %10, %21)"),
      line(20, "[2, 4, 4]", "matmul(%17, %19)"),
    ])
    #expect(attention(result) == nil && reasons.isEmpty)
  }
}
