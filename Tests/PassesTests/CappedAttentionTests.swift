import Foundation
import IR
import Ops
import Passes
import Testing

/// Scores bounded by c·tanh(s/c), as Gemma 2 and Grok have them.
@Suite("Capped scores of attention")
struct CappedAttentionTests {
  /// softmax(…)·v over lines that make %12 from the product %7, the mask %3 and the numbers 0.125 (%4) and 8 (%5).
  private func graph(_ lines: String) throws -> Graph {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "scale", "cap", "tanh", "uncap", "add", "softmax", "pv"]
        input %0 "q" : f32[2, 2, 3, 4]
        input %1 "kt" : f32[2, 2, 4, 3]
        input %2 "v" : f32[2, 2, 3, 4]
        input %3 "mask" : f32[2, 1, 3, 3]
        const %4 "factor" : f32[] = base64 "AAAAPg=="
        const %5 "bound" : f32[] = base64 "AAAAQQ=="
        %7 "s" : f32[2, 2, 3, 3] = matmul(%0, %1) name "qk" from ["qk"]
        \(lines)
        %13 "p" : f32[2, 2, 3, 3] = softmax(%12) {function = "Softmax", axis = -1, isFlattened = false} name "softmax" from ["softmax"]
        %14 "y" : f32[2, 2, 3, 4] = matmul(%13, %2) name "pv" from ["pv"]
        output %14
      }
      """
    return try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
  }

  private func recognised(_ graph: Graph, _ capabilities: Capabilities = Capabilities()) throws -> (found: Graph, ledger: FusionRecords) {
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    let context = PassContext(capabilities: capabilities)
    var reports: [PassManager.Report] = []
    var options = PassManager.Options()
    options.checksPromises = true
    return (try PassManager([pass], options: options).run(graph, context, reports: &reports), context.ledger)
  }

  private static let capped = """
    %8 "t" : f32[2, 2, 3, 3] = binary(%7, %4) {function = "mul"} name "scale" from ["scale"]
        %9 "c" : f32[2, 2, 3, 3] = binary(%8, %5) {function = "div"} name "cap" from ["cap"]
        %10 "h" : f32[2, 2, 3, 3] = unary(%9) {function = "tanh"} name "tanh" from ["tanh"]
        %11 "u" : f32[2, 2, 3, 3] = binary(%10, %5) {function = "mul"} name "uncap" from ["uncap"]
        %12 "a" : f32[2, 2, 3, 3] = binary(%11, %3) {function = "add"} name "add" from ["add"]
    """

  @Test func areAnAttributeOfAttention() throws {
    let found = try recognised(try graph(Self.capped)).found
    let operation = try #require(found.nodeIDs.lazy.compactMap { found[$0].operation as? ScaledDotProductAttention }.first)
    #expect(operation.cap == 8)
    // 0.125 before the bound; 1/√4 would be the scale that goes without saying.
    #expect(operation.scale.map { abs($0 - 0.125) < 1e-6 } == true)
    #expect(found.nodeIDs.count == 2, "beside it only the keys are turned")
  }

  /// A mask under the bound would be bounded too: −∞ would become −c.
  @Test func aMaskUnderTheBoundStays() throws {
    let lines = """
      %8 "t" : f32[2, 2, 3, 3] = binary(%7, %3) {function = "add"} name "add" from ["add"]
          %9 "c" : f32[2, 2, 3, 3] = binary(%8, %5) {function = "div"} name "cap" from ["cap"]
          %10 "h" : f32[2, 2, 3, 3] = unary(%9) {function = "tanh"} name "tanh" from ["tanh"]
          %12 "u" : f32[2, 2, 3, 3] = binary(%10, %5) {function = "mul"} name "uncap" from ["uncap"]
      """
    let (found, ledger) = try recognised(try graph(lines))
    #expect(!found.nodeIDs.contains { found[$0].operation is ScaledDotProductAttention })
    #expect(ledger.missed.first?.reason.hasPrefix("the scores pass a tanh") == true, "\(ledger.missed)")
  }

  @Test func aTargetMayLackThem() throws {
    var capabilities = Capabilities()
    capabilities.attention.forms = [.mask]
    let (_, ledger) = try recognised(try graph(Self.capped), capabilities)
    #expect(ledger.missed.map(\.reason) == ["the target's fused attention has no capped form"])
  }
}
