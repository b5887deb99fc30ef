import Basic
import Foundation
import Frontend
import Testing

/// Every malformed TFLite file gives a clear error with a place, never a crash or a large allocation.
@Suite struct MalformedTFLiteTests {
  private static func model(
    _ x: Lite.Tensor = Lite.Tensor("x", Lite.int8, [1, 4, 4, 2], scales: [0.5], zeros: [1]), inputs: [Int] = [0, 1, 2],
    outputs: [Int] = [3], weights: [UInt8] = Lite.bytes(Array(-9..<9)), scales: [Float] = [0.1, 0.2]
  ) -> Flat {
    Lite.model(
      [
        x, Lite.Tensor("w", Lite.int8, [1, 3, 3, 2], weights, scales: scales, zeros: [0, 0], axis: 3),
        Lite.Tensor("b", Lite.int32, [2], Lite.integers([7, -7]), scales: scales, zeros: [0, 0]),
        Lite.Tensor("y", Lite.int8, [1, 4, 4, 2], scales: [0.3], zeros: [-4]),
        Lite.Tensor("shape", Lite.int32, [2], Lite.integers([2, 16])), Lite.Tensor("z", Lite.int8, [2, 16], scales: [0.3], zeros: [-4]),
      ],
      [
        Lite.Node(
          code: 4, inputs: inputs, outputs: outputs, options: [0: .i8(0), 1: .i32(1), 2: .i32(1), 3: .i32(1), 4: .i8(1)]),
        Lite.Node(code: 22, inputs: [3, 4], outputs: [5]),
      ], inputs: [0], outputs: [5])
  }

  private static func error(_ bytes: [UInt8]) -> String? {
    do {
      let graph = try TFLiteImporter.load(MappedFile(name: "made.tflite", contents: bytes))
      return graph.verify().isEmpty ? nil : "a graph that does not verify"
    } catch { return "\(error)" }
  }

  @Test func theModelItselfIsRead() { #expect(Self.error(Self.model().file) == nil) }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let says: String
    var testDescription: String { name }
  }

  @Test(arguments: [
    Case(name: "no root", bytes: [9, 0, 0, 0] + Array("TFL3".utf8), says: "out of the file"),
    Case(name: "short weights", bytes: model(weights: [1, 2]).file, says: "takes 18 bytes but 2 are there"),
    Case(name: "scales that do not fit", bytes: model(scales: [1, 2, 3]).file, says: "do not fit its shape"),
    Case(name: "missing tensor", bytes: model(inputs: [0, 77, 2]).file, says: "names tensor 77 of 6"),
    Case(name: "weights left out", bytes: model(inputs: [0, -1, 2]).file, says: "input 1 is missing"),
    Case(name: "computed by nobody", bytes: model(outputs: [5]).file, says: "'y', which nothing computes"),
    Case(name: "impossible shape", bytes: model(Lite.Tensor("x", Lite.int8, [1 << 30, 1 << 30, 9])).file, says: "not a possible shape"),
    Case(
      name: "zero point out of range", bytes: model(Lite.Tensor("x", Lite.int8, [1, 4, 4, 2], scales: [1], zeros: [900])).file,
      says: "are no i8"),
    Case(name: "old schema", bytes: Flat.table([0: .i32(1)]).file, says: "schema version 1"),
  ])
  func malformed(_ example: Case) {
    let message = Self.error(example.bytes) ?? "no error"
    #expect(message.contains(example.says), "\(message)")
    #expect(message.contains("made.tflite"))
  }

  @Test func everyTruncationIsAnError() {
    let whole = Self.model().file
    for length in 0..<whole.count { #expect(Self.error(Array(whole.prefix(length))) != nil, "\(length)") }
  }

  /// Any bytes give a graph or an error; what is read after a change never leaves the file.
  @Test func changedBytesNeverCrash() {
    var random = SplitMix(state: 6)
    let whole = Self.model().file
    var errors = 0
    for _ in 0..<4000 {
      var bytes = whole
      for _ in 0...Int(random.next() % 3) {
        let place = Int(random.next() % UInt64(bytes.count))
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next())]
        bytes[place] = extremes[Int(random.next() % 6)]
      }
      if Self.error(bytes) != nil { errors += 1 }
    }
    #expect(errors > 1000)
  }

  /// Thousands of offsets to one large table would be read thousands of times.
  @Test func sharedTablesAreBounded() {
    // 4 + 8 bytes of root, then a graph list whose every offset leads to the same graph with a long list of inputs.
    let graph = Flat.table([1: .i32s(Array(repeating: 0, count: 4000))])
    var bytes = Flat.table([0: .i32(3), 2: .tables(Array(repeating: .table([:]), count: 4000)), 3: .string("end")]).file
    let target = bytes.count
    let appended = graph.file
    bytes += appended
    let root = Int(appended[0]) | Int(appended[1]) << 8 | Int(appended[2]) << 16
    let vector = bytes.indices.first { place in place + 4 <= bytes.count && bytes[place...].prefix(4).elementsEqual([0xA0, 0x0F, 0, 0]) }
    for index in 0..<4000 {
      let place = (vector ?? 0) + 4 + 4 * index
      withUnsafeBytes(of: UInt32(target + root - place).littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }
    #expect(Self.error(bytes)?.contains("more elements than the file has bytes") == true)
  }
}

private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
