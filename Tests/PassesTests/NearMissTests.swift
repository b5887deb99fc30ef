import Foundation
import IR
import Ops
import Passes
import Testing

@Suite("Near misses")
struct NearMissTests {
  /// What the ledger says of a graph after some passes.
  private func ledger(_ fixture: String, _ passes: [GraphPass], _ capabilities: Capabilities = Capabilities()) throws -> FusionRecords {
    let file = GoldenPassTests.folder.appendingPathComponent("\(fixture).cwg")
    let text = try String(contentsOf: file, encoding: .utf8)
    let graph = try GraphText.parse(text, file: file.lastPathComponent, operators: OperatorCatalog.byName)
    let context = PassContext(capabilities: capabilities)
    var reports: [PassManager.Report] = []
    _ = try PassManager(passes).run(graph, context, reports: &reports)
    return context.ledger
  }

  @Test("every reason is one of the pass's conditions", arguments: PassCatalog.all.filter { !$0.conditions.isEmpty }.map(\.name))
  func reasonsAreDeclared(_ name: String) throws {
    let pass = try #require(PassCatalog.pass(named: name))
    for missed in try ledger(name, [pass]).missed {
      #expect(missed.rule == name)
      #expect(pass.conditions.contains { missed.reason.hasPrefix($0) }, "'\(missed.reason)' is not in the list of \(name)")
      #expect(!missed.nodes.isEmpty)
    }
  }

  @Test(
    "a target without the kernel leaves the pattern as it is and says so",
    arguments: [
      "recognize-attention", "recognize-grouped-heads", "recognize-layer-normalization", "recognize-rms-normalization",
      "recognize-gated-unit", "recognize-l2-normalization", "recognize-mean-variance-normalization",
      "recognize-group-normalization", "recognize-rotary-embedding", "recognize-expert-product", "recognize-lstm-cell",
      "recognize-pixel-shuffle",
    ])
  func formsAreAsked(_ name: String) throws {
    let pass = try #require(PassCatalog.pass(named: name))
    let records = try ledger(name, [pass], .none)
    #expect(records.applied.isEmpty)
    #expect(records.missed.contains { $0.reason.hasPrefix("the target has no ") }, "\(records.missed)")
  }

  @Test func attentionAsksForMaskAndDepth() throws {
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    var capabilities = Capabilities()
    capabilities.attention.forms = [.causal]
    #expect(
      try ledger("recognize-attention", [pass], capabilities).missed.map(\.reason) == ["the target's fused attention has no mask form"])
    capabilities.attention = AttentionSupport(maximumHeadDimension: 4)
    #expect(
      try ledger("recognize-attention", [pass], capabilities).missed.map(\.reason)
        == ["heads of 8 elements exceed the target's largest, 4"])
  }

  /// Decoders join the mask of padding with the triangle; the triangle is worth knowing, for half of its scores need not be computed.
  @Test func aTriangleJoinedWithPaddingIsCausal() throws {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "and", "where", "softmax", "pv"]
        input %0 "q" : f32[2, 2, 3, 4]
        input %1 "kt" : f32[2, 2, 4, 3]
        input %2 "v" : f32[2, 2, 3, 4]
        input %3 "padding" : bool[2, 1, 1, 3]
        const %4 "triangle" : bool[1, 1, 3, 3] = base64 "AQAAAQEAAQEB"
        const %5 "hidden" : f32[] = base64 "AEAcxg=="
        const %12 "half" : f32[] = base64 "AAAAPw=="
        %6 "s" : f32[2, 2, 3, 3] = matmul(%0, %1) name "qk" from ["qk"]
        %13 "d" : f32[2, 2, 3, 3] = binary(%6, %12) {function = "mul"} name "scale" from ["qk"]
        %7 "keep" : bool[2, 1, 3, 3] = binary(%3, %4) {function = "and"} name "and" from ["and"]
        %8 "m" : f32[2, 2, 3, 3] = where(%7, %13, %5) name "where" from ["where"]
        %9 "p" : f32[2, 2, 3, 3] = softmax(%8) {function = "Softmax", axis = -1, isFlattened = false} name "softmax" from ["softmax"]
        %10 "y" : f32[2, 2, 3, 4] = matmul(%9, %2) name "pv" from ["pv"]
        output %10
      }
      """
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    let graph = try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
    var reports: [PassManager.Report] = []
    let result = try PassManager([pass]).run(graph, PassContext(), reports: &reports)
    let node = try #require(result.nodeIDs.map { result[$0] }.first { $0.operation is ScaledDotProductAttention })
    #expect((node.operation as? ScaledDotProductAttention)?.isCausal == true)
    #expect(node.inputs.count == 4)
    #expect(node.inputs[3].map { result[$0].name } == "padding")
  }

  /// How often a mask of windows is repeated for an open number of images cannot be told.
  @Test func windowMasksOfAnOpenBatchAreNamed() throws {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "split", "add", "join", "softmax", "pv"]
        input %0 "q" : f32[4*images, 2, 3, 8]
        input %1 "kt" : f32[4*images, 2, 8, 3]
        input %2 "v" : f32[4*images, 2, 3, 8]
        input %3 "mask" : f32[1, 4, 1, 3, 3]
        const %4 "wide" : i64[5] = values [-1, 4, 2, 3, 3]
        const %5 "flat" : i64[4] = values [-1, 2, 3, 3]
        %6 "s" : f32[4*images, 2, 3, 3] = matmul(%0, %1) name "qk" from ["qk"]
        %7 "w" : f32[images, 4, 2, 3, 3] = reshape(%6, %4) {allowsZero = false} name "split" from ["split"]
        %8 "m" : f32[images, 4, 2, 3, 3] = binary(%7, %3) {function = "add"} name "add" from ["add"]
        %9 "f" : f32[4*images, 2, 3, 3] = reshape(%8, %5) {allowsZero = false} name "join" from ["join"]
        %10 "p" : f32[4*images, 2, 3, 3] = softmax(%9) {function = "Softmax", axis = -1, isFlattened = false} name "softmax" from ["softmax"]
        %11 "y" : f32[4*images, 2, 3, 8] = matmul(%10, %2) name "pv" from ["pv"]
        output %11
      }
      """
    let graph = try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    let context = PassContext()
    var reports: [PassManager.Report] = []
    _ = try PassManager([pass]).run(graph, context, reports: &reports)
    #expect(context.ledger.missed.map(\.reason) == ["the windows of images share masks in a way that does not repeat"])
    #expect(context.ledger.applied.isEmpty)
  }

  @Test func fusionAsksForEpiloguesAndLoads() throws {
    let fuse = try #require(PassCatalog.pass(named: "fuse-kernels"))
    let all = try ledger("fuse-kernels", [fuse])
    let none = try ledger("fuse-kernels", [fuse], .none)
    #expect(!all.applied.isEmpty)
    #expect(none.applied.isEmpty)
    #expect(none.missed.contains { $0.reason.hasPrefix("the target has no epilogue for ") })
  }
}

@Suite("Promises with unbound dimensions")
struct UnboundPromiseTests {
  private let text = """
    graph "g" {
      source "g.onnx" "onnx" "hand" nodes ["s", "m", "i"]
      input %0 "x" : f32[batch, 2*batch + 1, d]
      %1 "s" : f32[batch, 2*batch + 1, d] = unary(%0) {function = "sigmoid"} name "s" from ["s"]
      %2 "m" : f32[batch, 2*batch + 1, d] = binary(%0, %1) {function = "mul"} name "m" from ["m"]
      %3 "y" : f32[batch, 2*batch + 1, d] = identity(%2) name "i" from ["i"]
      output %3
    }
    """

  private func check(_ pass: GraphPass) throws {
    let graph = try GraphText.parse(text, file: "g", operators: OperatorCatalog.byName)
    var options = PassManager.Options()
    options.checksPromises = true
    var reports: [PassManager.Report] = []
    _ = try PassManager([pass], options: options).run(graph, PassContext(), reports: &reports)
    #expect(reports.first?.changes ?? 0 > 0)
  }

  @Test func seededSizesAreBound() throws {
    try check(try #require(PassCatalog.pass(named: "recognize-silu")))
    try check(try #require(PassCatalog.pass(named: "remove-identities")))
  }

  @Test func aBrokenPromiseIsFound() throws {
    let wrong = GraphPass("wrong", "Takes the sigmoid away.", preserves: .bitExact) { rewriter, _ in
      for id in rewriter.executionOrder() {
        guard rewriter.graph[id].name == "s", let x = rewriter.graph[id].inputs[0] else { continue }
        rewriter.replaceUses(of: rewriter.graph[id].outputs[0], with: x)
      }
    }
    let failure = #expect(throws: (any Error).self) { try check(wrong) }
    #expect("\(String(describing: failure))".contains("breaks its promise"))
  }
}
