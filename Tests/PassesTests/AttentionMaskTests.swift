import Foundation
import IR
import Ops
import Passes
import Synchronization
import Testing

/// Causal masks of decoders in the forms exporters give them.
@Suite("Masks of attention")
struct AttentionMaskTests {
  /// softmax(q·kᵀ + mask)·v with a mask that `lines` make as %8 from the padding %3, the triangle %4, −∞ %5 and 0 %6.
  private func graph(_ lines: String, triangle: String = "AAAAAAAAgP8AAID/AAAAAAAAAAAAAID/AAAAAAAAAAAAAAAA") throws -> Graph {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "mask", "add", "softmax", "pv"]
        input %0 "q" : f32[2, 2, 3, 4]
        input %1 "kt" : f32[2, 2, 4, 3]
        input %2 "v" : f32[2, 2, 3, 4]
        input %3 "padding" : bool[2, 1, 1, 3]
        const %4 "triangle" : f32[1, 1, 3, 3] = base64 "\(triangle)"
        const %5 "hidden" : f32[] = base64 "AACA/w=="
        const %6 "zero" : f32[] = base64 "AAAAAA=="
        %7 "s" : f32[2, 2, 3, 3] = matmul(%0, %1) name "qk" from ["qk"]
        \(lines)
        %9 "a" : f32[2, 2, 3, 3] = binary(%7, %8) {function = "add"} name "add" from ["add"]
        %10 "p" : f32[2, 2, 3, 3] = softmax(%9) {function = "Softmax", axis = -1, isFlattened = false} name "softmax" from ["softmax"]
        %11 "y" : f32[2, 2, 3, 4] = matmul(%10, %2) name "pv" from ["pv"]
        output %11
      }
      """
    return try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
  }

  private func recognised(_ graph: Graph) throws -> (graph: Graph, node: Node?) {
    let pass = try #require(PassCatalog.pass(named: "recognize-attention"))
    var reports: [PassManager.Report] = []
    var options = PassManager.Options()
    options.verifiesTypes = true
    let result = try PassManager([pass], options: options).run(graph, PassContext(), reports: &reports)
    return (result, result.nodeIDs.map { result[$0] }.first { $0.operation is ScaledDotProductAttention })
  }

  private static let whereHides =
    "%8 \"m\" : f32[2, 1, 3, 3] = where(%3, %5, %4) name \"mask\" from [\"mask\"]"
  private static let whereKeeps =
    "%8 \"m\" : f32[2, 1, 3, 3] = where(%3, %4, %5) name \"mask\" from [\"mask\"]"

  @Test("a triangle behind the padding is causal, and the padding a mask of its own", arguments: [(whereHides, true), (whereKeeps, false)])
  func paddingAndTriangle(_ lines: String, _ isInverted: Bool) throws {
    let (result, found) = try recognised(graph(lines))
    let node = try #require(found)
    #expect((node.operation as? ScaledDotProductAttention)?.isCausal == true)
    let mask = try #require(node.inputs.count == 4 ? node.inputs[3] : nil)
    if isInverted {
      let inverse = try #require(result.producer(mask).map { result[$0] })
      #expect(inverse.operation is LogicalNot && inverse.inputs[0].map { result[$0].name } == "padding")
    } else {
      #expect(result[mask].name == "padding")
    }
  }

  @Test func paddingAloneIsItsOpposite() throws {
    let (result, found) = try recognised(graph("%8 \"m\" : f32[2, 1, 1, 3] = where(%3, %5, %6) name \"mask\" from [\"mask\"]"))
    let node = try #require(found)
    #expect((node.operation as? ScaledDotProductAttention)?.isCausal == false)
    #expect(result.tensorType(node.inputs[3])?.element == .bool)
  }

  /// The first row sees its successor: no triangle, and the sum stays a mask that is added.
  @Test func anotherConstantStaysAMask() throws {
    let (result, found) = try recognised(graph(Self.whereHides, triangle: "AAAAAAAAAAAAAID/AAAAAAAAAAAAAID/AAAAAAAAAAAAAAAA"))
    let node = try #require(found)
    #expect((node.operation as? ScaledDotProductAttention)?.isCausal == false)
    #expect(node.inputs[3].map { result[$0].name } == "m")
  }

  /// A constant that is broadcast over queries or keys hides no key after its query.
  @Test func aScalarIsNoTriangle() throws {
    let text =
      "const %12 \"one\" : f32[1, 1] = base64 \"AAAAAA==\"\n        %8 \"m\" : f32[1, 1] = identity(%12) name \"mask\" from [\"mask\"]"
    let fold = try #require(PassCatalog.pass(named: "fold-constants"))
    var reports: [PassManager.Report] = []
    let folded = try PassManager([fold]).run(try graph(text), PassContext(), reports: &reports)
    let node = try #require(try recognised(folded).node)
    #expect((node.operation as? ScaledDotProductAttention)?.isCausal == false)
  }

  /// A mask of n² elements lies in the file: it is looked at once for every attention.
  @Test func aConstantTriangleIsReadOnce() throws {
    let extent = 64
    let source = CountingSource(extent)
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["qk", "add", "softmax", "pv"]
        input %0 "q" : f32[1, 2, 64, 4]
        input %1 "kt" : f32[1, 2, 4, 64]
        input %2 "v" : f32[1, 2, 64, 4]
        input %3 "mask" : f32[1, 1, 64, 64]
        %4 "s" : f32[1, 2, 64, 64] = matmul(%0, %1) name "qk" from ["qk"]
        %5 "a" : f32[1, 2, 64, 64] = binary(%4, %3) {function = "add"} name "add" from ["add"]
        %6 "p" : f32[1, 2, 64, 64] = softmax(%5) {function = "Softmax", axis = -1, isFlattened = false} name "softmax" from ["softmax"]
        %7 "y" : f32[1, 2, 64, 4] = matmul(%6, %2) name "pv" from ["pv"]
        output %7
      }
      """
    var rewriter = Rewriter(try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName))
    let data = TensorData(.mapped(source, 0..<source.count))
    let constant = Constant(TensorType(.float32, [1, 1, extent, extent]), .bytes(data))
    let mask = rewriter.addConstant(constant, name: "triangle")
    rewriter.replaceUses(of: rewriter.graph.inputs[3], with: mask)
    let (_, node) = try recognised(rewriter.finish())
    #expect((node?.operation as? ScaledDotProductAttention)?.isCausal == true)
    #expect(source.reads.load(ordering: .relaxed) == 1)
  }
}

/// A triangle of zeros and −∞ that counts how often it is read.
private final class CountingSource: ByteSource, Sendable {
  let name = "mask.bin"
  private let bytes: [UInt8]
  let reads = Atomic(0)

  init(_ extent: Int) {
    let numbers = (0..<extent * extent).map { $0 % extent <= $0 / extent ? Float(0) : -.infinity }
    bytes = numbers.withUnsafeBytes(Array.init)
  }

  var count: Int { bytes.count }

  func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    reads.add(1, ordering: .relaxed)
    return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
