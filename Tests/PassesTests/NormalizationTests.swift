import Foundation
import IR
import Ops
import Passes
import Testing

/// Divisions by lengths and deviations that are a normalisation, and those that are nearly one.
@Suite("Normalisations")
struct NormalizationTests {
  /// The nodes `lines` make of x [2, 3, 4], ending in %20; its length is %5, its mean %6, its deviation %7, its variance %8.
  private func run(_ lines: String, _ pass: String) throws -> (operators: [String], reasons: [String]) {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "hand" nodes ["n", "m", "d", "s", "v", "a", "r", "y"]
        input %0 "x" : f32[2, 3, 4]
        const %1 "last" : i64[1] = values [2]
        const %2 "half" : f32[] = base64 "AAAAPw=="
        const %3 "both" : i64[2] = values [1, 2]
        const %4 "quarter" : f32[] = base64 "AACAPg=="
        %5 "n" : f32[2, 3, 1] = reduce(%0, %1) {function = "L2", keepsAxes = true, reducesNothingByDefault = false} name "n" from ["n"]
        %6 "m" : f32[2, 3, 1] = reduce(%0, %1) {function = "Mean", keepsAxes = true, reducesNothingByDefault = false} name "m" from ["m"]
        %7 "d" : f32[2, 3, 4] = binary(%0, %6) {function = "sub"} name "d" from ["d"]
        %9 "s" : f32[2, 3, 4] = binary(%7, %7) {function = "mul"} name "s" from ["s"]
        %8 "v" : f32[2, 3, 1] = reduce(%9, %1) {function = "Mean", keepsAxes = true, reducesNothingByDefault = false} name "v" from ["v"]
        \(lines)
        output %20
      }
      """
    let graph = try GraphText.parse(text, file: "g.cwg", operators: OperatorCatalog.byName)
    let passes = try [pass, "remove-dead-nodes"].map { try #require(PassCatalog.pass(named: $0)) }
    var options = PassManager.Options()
    options.checksPromises = true
    let context = PassContext()
    var reports: [PassManager.Report] = []
    let result = try PassManager(passes, options: options).run(graph, context, reports: &reports)
    return (result.nodeIDs.map { type(of: result[$0].operation).name }, context.ledger.missed.map(\.reason))
  }

  private func node(_ number: Int, _ shape: String, _ expression: String, _ function: String) -> String {
    "%\(number) \"v\(number)\" : f32\(shape) = \(expression) {function = \"\(function)\"} name \"v\(number)\" from [\"y\"]"
  }

  @Test func lengthsThatChangeAreNamed() throws {
    let added = [node(10, "[2, 3, 1]", "binary(%5, %2)", "add"), node(20, "[2, 3, 4]", "binary(%0, %10)", "div")]
    #expect(
      try run(added.joined(separator: "\n"), "recognize-l2-normalization").reasons
        == ["the length is changed otherwise than by a least one before it divides"])
    let other = [node(10, "[2, 3, 4]", "unary(%0)", "tanh"), node(20, "[2, 3, 4]", "binary(%10, %5)", "div")]
    #expect(
      try run(other.joined(separator: "\n"), "recognize-l2-normalization").reasons == ["the length is not that of the divided tensor"])
    let reduction = "reduce(%0, %3) {function = \"L2\", keepsAxes = true, reducesNothingByDefault = false}"
    let both = ["%10 \"w\" : f32[2, 1, 1] = \(reduction) name \"w\" from [\"y\"]", node(20, "[2, 3, 4]", "binary(%0, %10)", "div")]
    #expect(
      try run(both.joined(separator: "\n"), "recognize-l2-normalization").reasons == ["the length does not run over one axis"])
  }

  @Test func aLengthAloneIsANormalisation() throws {
    #expect(try run(node(20, "[2, 3, 4]", "binary(%0, %5)", "div"), "recognize-l2-normalization").operators == ["lp-normalization"])
  }

  /// A sum of squares times one over their number is a mean; times something else it is none.
  @Test(
    "a sum that is divided may be a mean",
    arguments: [(4, ["rms-normalization"]), (2, ["binary", "reduce", "binary", "binary", "unary", "binary"])])
  func dividedSums(_ factor: Int, _ operators: [String]) throws {
    let sum = "reduce(%10, %1) {function = \"Sum\", keepsAxes = true, reducesNothingByDefault = false}"
    let lines = [
      node(10, "[2, 3, 4]", "binary(%0, %0)", "mul"), "%11 \"t\" : f32[2, 3, 1] = \(sum) name \"t\" from [\"y\"]",
      node(12, "[2, 3, 1]", "binary(%11, %\(factor))", "mul"), node(13, "[2, 3, 1]", "binary(%12, %2)", "add"),
      node(14, "[2, 3, 1]", "unary(%13)", "sqrt"), node(20, "[2, 3, 4]", "binary(%0, %14)", "div"),
    ]
    #expect(try run(lines.joined(separator: "\n"), "recognize-rms-normalization").operators == operators)
  }

  @Test func aNumberBehindTheRootIsNamed() throws {
    let lines = [
      node(10, "[2, 3, 1]", "unary(%8)", "sqrt"), node(11, "[2, 3, 1]", "binary(%10, %2)", "add"),
      node(20, "[2, 3, 4]", "binary(%7, %11)", "div"),
    ]
    #expect(
      try run(lines.joined(separator: "\n"), "recognize-layer-normalization").reasons
        == ["ε is added to the root of the variance, not to the variance"])
  }
}
