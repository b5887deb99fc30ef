import IR
import Ops
import Testing

@Suite("Text format")
struct GraphTextTests {
  static let tiny = """
    graph "tiny \\"quoted\\"" {
      source "tiny.onnx" "onnx" "hand" nodes ["conv1", "relu1"]
      input %0 "x" : f32[`batch size`, 3, 2*h + 1, floor(w, 2)]
      const %1 "w" : f32[8, 3, 3, 3]<i8 channel 0 f32; sparse 2:4; palette 16> = absent
      const %2 "axes" : i64[2] = values [1, -1]
      %3 "c" : f32[`batch size`, 8, 2*h - 1, floor(w, 2) - 2] = conv(%0, %1, _) {strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1, padding = "explicit"} name "conv1" from ["conv1"]
      %4 "y" : f32[`batch size`, 8, 2*h - 1, floor(w, 2) - 2] = unary(%3) {function = "hard-swish"} name "relu1" from ["relu1", "b"]
      folded "dropout" because "inference"
      output %4
    }

    """

  @Test func parsingAndPrintingAreInverse() throws {
    let graph = try GraphText.parse(Self.tiny, file: "tiny.cwg", operators: OperatorCatalog.byName)
    #expect(graph.verify().isEmpty)
    #expect(graph.verifyTypes().isEmpty)
    let text = GraphText.print(graph)
    let again = try GraphText.parse(text, file: "again.cwg", operators: OperatorCatalog.byName)
    #expect(GraphText.print(again) == text)
    #expect(text.contains("from [\"relu1\", \"b\"]"))
  }

  private static func attribute(_ name: String, _ text: String) -> String {
    "graph \"g\" {\n  %0 \"y\" : f32[1] = \(name)() {\(text)} name \"n\" from []\n}"
  }

  @Test(
    "mistakes are named with their line",
    arguments: [
      ("graph \"g\" {\n  %0 \"y\" : f32[1] = konv() name \"n\" from []\n}", "2: error: no operator 'konv' (did you mean conv?)"),
      ("graph \"g\" {\n output %7\n}", "2: error: value %7 is used before it is defined"),
      ("graph \"g\" {\n  input %0 \"x\" : f33[1]\n}", "2: error: 'f33' is not an element type"),
      (attribute("variadic", "function = \"Sum\""), "2: error: 'Sum' is not a function of variadic (did you mean sum?)"),
      (
        attribute("variadic", "function = \"product\""),
        "2: error: 'product' is not a function of variadic (one of sum, mean, max, min)"
      ),
      (attribute("variadic", "function = 3"), "2: error: variadic: attribute 'function' = 3 must be a string"),
      (attribute("tree-ensemble", "aggregate = 9"), "2: error: tree-ensemble: attribute "),
      ("graph \"g\" {", "1: error: "), ("", "1: error: the text ends where 'graph' is expected"),
    ])
  func refuses(_ text: String, _ message: String) {
    #expect { try GraphText.parse(text, file: "t", operators: OperatorCatalog.byName) } throws: { "\($0)".contains(message) }
  }
}
