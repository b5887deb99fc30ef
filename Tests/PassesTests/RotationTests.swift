import Foundation
import IR
import Ops
import Passes
import Testing

/// Rotations of neighbouring features, as GPT-J, Cohere and the Llama of its authors have them, and what is none.
@Suite("Rotary embeddings")
struct RotationTests {
  /// Even and odd features of x [1, 3, 2, 8] as %10 and %11, then `lines` that end in %30.
  private func graph(_ lines: String, tables: String = "[1, 3, 1, 4]") throws -> Graph {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["even", "odd", "turn", "a", "b", "stack", "flat", "straight", "crossed", "y"]
        input %0 "x" : f32[1, 3, 2, 8]
        input %1 "cos" : f32\(tables)
        input %2 "sin" : f32\(tables)
        const %3 "one" : i64[1] = values [1]
        const %4 "zero" : i64[1] = values [0]
        const %5 "end" : i64[1] = values [8]
        const %6 "last" : i64[1] = values [3]
        const %7 "two" : i64[1] = values [2]
        const %8 "new" : i64[1] = values [4]
        const %9 "shape" : i64[4] = values [1, 3, 2, 8]
        %10 "even" : f32[1, 3, 2, 4] = slice(%0, %4, %5, %6, %7) name "even" from ["even"]
        %11 "odd" : f32[1, 3, 2, 4] = slice(%0, %3, %5, %6, %7) name "odd" from ["odd"]
        \(lines)
        output %30
      }
      """
    return try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
  }

  private func run(_ graph: Graph) throws -> (graph: Graph, reasons: [String]) {
    let pass = try #require(PassCatalog.pass(named: "recognize-rotary-embedding"))
    var options = PassManager.Options()
    options.checksPromises = true
    options.verifiesTypes = true
    let context = PassContext()
    var reports: [PassManager.Report] = []
    let result = try PassManager([pass], options: options).run(graph, context, reports: &reports)
    return (result, context.ledger.missed.map(\.reason))
  }

  /// Both results of every pair, from tables with one number per pair.
  private static let results = """
    %12 "ec" : f32[1, 3, 2, 4] = binary(%10, %1) {function = "mul"} name "straight" from ["straight"]
        %13 "os" : f32[1, 3, 2, 4] = binary(%11, %2) {function = "mul"} name "crossed" from ["crossed"]
        %14 "es" : f32[1, 3, 2, 4] = binary(%10, %2) {function = "mul"} name "straight2" from ["straight"]
        %15 "oc" : f32[1, 3, 2, 4] = binary(%11, %1) {function = "mul"} name "crossed2" from ["crossed"]
        %16 "first" : f32[1, 3, 2, 4] = binary(%12, %13) {function = "sub"} name "turn" from ["turn"]
        %17 "second" : f32[1, 3, 2, 4] = binary(%15, %14) {function = "add"} name "turn2" from ["turn"]
    """
  private static let stack = """
    %18 "a" : f32[1, 3, 2, 4, 1] = unsqueeze(%16, %8) name "a" from ["a"]
        %19 "b" : f32[1, 3, 2, 4, 1] = unsqueeze(%17, %8) name "b" from ["b"]
        %20 "stack" : f32[1, 3, 2, 4, 2] = concat(%18, %19) {axis = -1} name "stack" from ["stack"]
    """
  private static let flatten =
    "%30 \"y\" : f32[1, 3, 2, 8] = reshape(%20, %9) {allowsZero = false} name \"flat\" from [\"flat\"]"
  /// x·cos + stack(−odd, even)·sin, with tables of all features.
  private static let sum = """
    %16 "minus" : f32[1, 3, 2, 4] = unary(%11) {function = "neg"} name "turn" from ["turn"]
        %17 "kept" : f32[1, 3, 2, 4] = identity(%10) name "kept" from ["turn"]
        \(stack.replacingOccurrences(of: "%17", with: "%10"))
        %21 "turned" : f32[1, 3, 2, 8] = reshape(%20, %9) {allowsZero = false} name "flat" from ["flat"]
        %22 "straight" : f32[1, 3, 2, 8] = binary(%0, %1) {function = "mul"} name "straight" from ["straight"]
        %23 "crossed" : f32[1, 3, 2, 8] = binary(%21, %2) {function = "mul"} name "crossed" from ["crossed"]
        %30 "y" : f32[1, 3, 2, 8] = binary(%22, %23) {function = "add"} name "y" from ["y"]
    """

  @Test("neighbours are rotated whether heads stand behind or before positions", arguments: ["[1, 3, 1, 4]", "[1, 1, 2, 4]", "[2, 4]"])
  func neighbours(_ tables: String) throws {
    let (result, reasons) = try run(graph([Self.results, Self.stack, Self.flatten].joined(separator: "\n    "), tables: tables))
    let operation = try #require(result.nodeIDs.compactMap { result[$0].operation as? RotaryEmbedding }.first, "\(reasons)")
    #expect(operation.isInterleaved)
    #expect(operation.heads == (tables == "[1, 3, 1, 4]" ? 2 : 0))
    #expect(!result.nodeIDs.contains { result[$0].operation is Concatenate || result[$0].operation is BinaryElementwise })
  }

  /// Where something else takes the stacked pairs apart, the rotation ends at the stack.
  @Test func stackedPairsMayStayApart() throws {
    let end = "%30 \"y\" : f32[1, 3, 2, 4, 2] = unary(%20) {function = \"abs\"} name \"y\" from [\"y\"]"
    let (result, reasons) = try run(graph([Self.results, Self.stack, end].joined(separator: "\n    ")))
    #expect(result.nodeIDs.contains { result[$0].operation is RotaryEmbedding }, "\(reasons)")
  }

  /// One feature of each pair may lose its axis while the other keeps it, as merged views leave them (Flux).
  @Test func columnsAndPicksAreOnePair() throws {
    let lines = """
      const %31 "split" : i64[5] = values [1, 3, 2, 4, 2]
          const %32 "column" : i64[5] = values [1, 3, 2, 4, 1]
          %12 "pairs" : f32[1, 3, 2, 4, 2] = reshape(%0, %31) {allowsZero = false} name "a" from ["a"]
          %13 "low" : f32[1, 3, 2, 4, 1] = slice(%12, %4, %3, %8) name "even2" from ["even"]
          %14 "high" : f32[1, 3, 2, 4, 1] = slice(%12, %3, %7, %8) name "odd2" from ["odd"]
          %15 "picked" : f32[1, 3, 2, 4] = squeeze(%14, %8) name "b" from ["b"]
          %16 "minus" : f32[1, 3, 2, 4] = unary(%15) {function = "neg"} name "turn" from ["turn"]
          %17 "first" : f32[1, 3, 2, 4, 1] = unsqueeze(%16, %8) name "c" from ["b"]
          %18 "second" : f32[1, 3, 2, 4, 1] = reshape(%13, %32) {allowsZero = false} name "d" from ["b"]
          %20 "stack" : f32[1, 3, 2, 4, 2] = concat(%17, %18) {axis = -1} name "stack" from ["stack"]
          %21 "turned" : f32[1, 3, 2, 8] = reshape(%20, %9) {allowsZero = false} name "flat" from ["flat"]
          %22 "straight" : f32[1, 3, 2, 8] = binary(%0, %1) {function = "mul"} name "straight" from ["straight"]
          %23 "crossed" : f32[1, 3, 2, 8] = binary(%21, %2) {function = "mul"} name "crossed" from ["crossed"]
          %30 "y" : f32[1, 3, 2, 8] = binary(%22, %23) {function = "add"} name "y" from ["y"]
      """
    // Found but for the tables, which are inputs.
    #expect(
      try run(graph(lines, tables: "[2, 8]")).reasons == ["the two features of a pair are not known to have one cosine and one sine"])
  }

  @Test func otherRotationsAreNamed() throws {
    let halves = "%30 \"y\" : f32[1, 3, 2, 8] = concat(%16, %17) {axis = -1} name \"y\" from [\"y\"]"
    #expect(
      try run(graph([Self.results, halves].joined(separator: "\n    "))).reasons
        == ["pairs of neighbours are put together as halves, or halves as neighbours"])
    #expect(
      try run(graph(Self.sum, tables: "[1, 3, 1, 8]")).reasons
        == ["the two features of a pair are not known to have one cosine and one sine"])
    #expect(
      try run(graph([Self.results, Self.stack, Self.flatten].joined(separator: "\n    "), tables: "[3, 2, 4]")).reasons
        == ["cosines and sines are not one row per position that all heads share ([3, 2, 4] and [3, 2, 4])"])
  }
}
