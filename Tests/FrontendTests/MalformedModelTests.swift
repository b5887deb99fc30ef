import Basic
import Foundation
import Frontend
import Testing

/// Every malformed file gives a clear error with a place, never a crash or a large allocation.
@Suite struct MalformedModelTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// What the message must say.
    let says: String
    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8], _ says: String) {
      self.name = name
      self.bytes = bytes
      self.says = says
    }
  }

  private static let x = Onnx.value("x", [1, 3, 8, 8])
  private static let y = Onnx.value("y", nil)

  private static func conv(_ weight: Message) -> [UInt8] {
    Onnx.model(
      Onnx.graph([Onnx.node("Conv", ["x", "w"], ["y"], name: "c")], inputs: [x], outputs: [y], initializers: [weight]))
  }

  private static func single(_ node: Message, inputs: [Message] = [x]) -> [UInt8] {
    Onnx.model(Onnx.graph([node], inputs: inputs, outputs: [y]))
  }

  private static var good: [UInt8] { single(Onnx.node("Relu", ["x"], ["y"])) }

  private static var nested: Message {
    (0..<100).reduce(Onnx.graph([])) { inner, _ in
      Onnx.graph([Onnx.node("If", ["x"], ["y"], attributes: [Onnx.subgraph("then_branch", inner)])])
    }
  }

  private static func doubling(_ depth: Int) -> [Message] {
    (0..<depth).map { level in
      let inner = level == 0 ? "Relu" : "F\(level - 1)"
      let domain = level == 0 ? "" : "d"
      return Message().string(1, "F\(level)").string(4, "a").string(5, "c")
        .messages(7, [Onnx.node(inner, ["a"], ["b"], domain: domain), Onnx.node(inner, ["b"], ["c"], domain: domain)])
        .string(10, "d")
    }
  }

  static let cases: [Case] = [
    Case("no graph", Message().integer(1, 8).bytes, "no graph"),
    Case("not a model", Array("#!/bin/sh\necho hello\n".utf8), "malformed model"),
    Case("truncated", Array(good.dropLast(10)), "malformed model"),
    Case("length beyond the file", Message().bytes + [0x3A] + Message.varint(1 << 40), "claims 1099511627776 bytes"),
    Case("endless varint", [0x08] + [UInt8](repeating: 0xFF, count: 20), "longer than 64 bits"),
    Case("field number zero", [0x00, 0x01], "field number 0"),
    Case("group", [0x0B, 0x0C], "wire type 3"),
    Case("graph as a number", Message().integer(7, 5).bytes, "must hold bytes"),
    Case(
      "cycle",
      Onnx.model(
        Onnx.graph(
          [Onnx.node("Relu", ["b"], ["a"], name: "n"), Onnx.node("Abs", ["a"], ["b"])], outputs: [Onnx.value("a", nil)])
      ), "node 'n': the nodes form a cycle"),
    Case("undefined input", single(Onnx.node("Relu", ["nowhere"], ["y"], name: "n")), "node 'n': reads 'nowhere'"),
    Case(
      "undefined output", Onnx.model(Onnx.graph([], inputs: [x], outputs: [y])),
      "graph output 'y' is computed by no node"),
    Case(
      "value defined twice",
      Onnx.model(
        Onnx.graph([Onnx.node("Relu", ["x"], ["y"]), Onnx.node("Abs", ["x"], ["y"])], inputs: [x], outputs: [y])),
      "'y' is defined twice"),
    Case(
      "unknown element type", single(Onnx.node("Relu", ["x"], ["y"]), inputs: [Onnx.value("x", [1], element: 99)]),
      "unknown element type 99"),
    Case(
      "input without type", single(Onnx.node("Relu", ["x"], ["y"]), inputs: [Message().string(1, "x")]),
      "'x' has no type"),
    Case("too few bytes", conv(Onnx.tensor("w", [4, 3, 3, 3], raw: [1, 2, 3])), "takes 432 bytes but 3 are there"),
    Case("no data", conv(Onnx.tensor("w", [4, 3, 3, 3])), "the data holds 0"),
    Case("negative extent", conv(Onnx.tensor("w", [4, -3, 3, 3], raw: [])), "not a possible shape"),
    Case("overflowing extents", conv(Onnx.tensor("w", [1 << 40, 1 << 40], raw: [])), "not a possible shape"),
    Case(
      "huge extents without data", conv(Onnx.tensor("w", [1 << 30, 1 << 20], raw: [])), "takes 4503599627370496 bytes"),
    Case(
      "more packed integers than the shape",
      conv(Onnx.tensor("w", [1], element: 7).data(7, [UInt8](repeating: 1, count: 1000))), "more data than shape"),
    Case("wrong rank", conv(Onnx.tensor("w", [3], raw: [UInt8](repeating: 0, count: 12))), "node 'c': Conv"),
    Case(
      "wrong attribute type",
      Onnx.model(
        Onnx.graph(
          [
            Onnx.node(
              "Conv", ["x", "w"], ["y"], name: "c",
              attributes: [Message().string(1, "strides").integer(3, 1).integer(20, 2)])
          ], inputs: [x], outputs: [y],
          initializers: [Onnx.tensor("w", [4, 3, 1, 1], raw: [UInt8](repeating: 0, count: 48))])),
      "node 'c': Conv: attribute 'strides' must be a list of integers"),
    Case(
      "attribute nobody knows",
      single(Onnx.node("Relu", ["x"], ["y"], name: "n", attributes: [Onnx.integers("colour", [1])])),
      "node 'n': Relu: attribute 'colour' means nothing"),
    Case("node without outputs", single(Onnx.node("Relu", ["x"], [], name: "n")), "node 'n': Relu has no output"),
    Case("deeply nested graphs", Onnx.model(nested), "nested more than"),
    Case(
      "function that calls itself",
      Onnx.model(
        Onnx.graph([Onnx.node("F", ["x"], ["y"], name: "n", domain: "d")], inputs: [x], outputs: [y]),
        functions: [
          Message().string(1, "F").string(4, "a").string(5, "b").messages(
            7, [Onnx.node("F", ["a"], ["b"], domain: "d")]
          ).string(10, "d")
        ]), "nested more than"),
    Case(
      "functions that multiply",
      Onnx.model(
        Onnx.graph([Onnx.node("F27", ["x"], ["y"], name: "n", domain: "d")], inputs: [x], outputs: [y]),
        functions: doubling(28)), "inlined functions make more than"),
    Case("external path upwards", conv(Onnx.external("w", [1], [("location", "../secret")])), "leads outside"),
    Case(
      "absolute external path", conv(Onnx.external("w", [1], [("location", "/etc/passwd")])), "relative to the model"),
    Case("external file missing", conv(Onnx.external("w", [1], [("location", "nothing.bin")])), "does not exist"),
    Case("external without location", conv(Onnx.external("w", [1], [])), "without a location"),
  ]

  @Test(arguments: cases) func isRefused(_ example: Case) throws {
    let error = #expect(throws: Failure.self) {
      try ONNXImporter.load(MappedFile(name: "bad.onnx", contents: example.bytes))
    }
    let text = error?.description ?? ""
    #expect(text.contains(example.says), "\(text)")
    #expect(text.hasPrefix("bad.onnx:@"), "\(text)")
  }

  /// Cutting a good file anywhere, or changing any byte, ends in a graph or an error.
  @Test func survivesEveryCutAndManyFlips() {
    let good = Self.conv(Onnx.tensor("w", [4, 3, 3, 3], raw: [UInt8](repeating: 7, count: 432)))
    for end in 0..<good.count {
      _ = try? ONNXImporter.load(MappedFile(name: "cut", contents: Array(good[..<end])))
    }
    for position in good.indices {
      for value: UInt8 in [0x00, 0x7F, 0x80, 0xFF] {
        var bad = good
        bad[position] = value
        _ = try? ONNXImporter.load(MappedFile(name: "flipped", contents: bad))
      }
    }
  }

  @Test func externalDataIsConfinedToTheFolder() throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "external-\(UUID().uuidString)")
    let folder = root.appending(path: "model")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }
    try Data(repeating: 1, count: 500).write(to: root.appending(path: "secret"))
    try Data(repeating: 1, count: 500).write(to: folder.appending(path: "weights"))
    try FileManager.default.createSymbolicLink(
      at: folder.appending(path: "link"), withDestinationURL: root.appending(path: "secret"))
    let path = folder.appending(path: "m.onnx")

    func load(_ entries: [(String, String)]) throws {
      try Data(Self.conv(Onnx.external("w", [4, 3, 3, 3], entries))).write(to: path)
      _ = try ONNXImporter.load(path: path.path(percentEncoded: false))
    }
    try load([("location", "weights"), ("offset", "68"), ("length", "432")])
    for (entries, says) in [
      ([("location", "link")], "is a link that leads outside"),
      ([("location", "weights"), ("offset", "69")], "external data ends at byte"),
      ([("location", "weights"), ("offset", "-1")], "is not a size"),
      ([("location", "weights"), ("length", "9999999999999999999")], "is not a size"),
      ([("location", "weights"), ("length", "431")], "431 bytes but the shape takes 432"),
    ] {
      let error = #expect(throws: Failure.self) { try load(entries) }
      #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }
  }
}
