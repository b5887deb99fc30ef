import Driver
import Foundation
import Testing

/// What `inspect` counts.
struct InspectionTests {
  /// A choice between x·a·b and x·c of [2, 4], which only the run decides.
  static let choice = """
    graph "g" {
      source "g.onnx" "onnx" "by hand" nodes ["choice"]
      input %0 "x" : f32[2, 4]
      input %1 "c" : bool[]
      %2 "y" : f32[2, 8] = if(%1, %0) {thenRegion = 0, elseRegion = 1} name "choice" from ["choice"]
      region "then" {
        input %0 "x" : f32[2, 4]
        const %1 "a" : f32[4, 4] = absent
        const %2 "b" : f32[4, 8] = absent
        %3 "h" : f32[2, 4] = matmul(%0, %1) name "first" from ["first"]
        %4 "y" : f32[2, 8] = matmul(%3, %2) name "second" from ["second"]
        output %4
      }
      region "else" {
        input %0 "x" : f32[2, 4]
        const %1 "c" : f32[4, 8] = absent
        %2 "y" : f32[2, 8] = matmul(%0, %1) name "only" from ["only"]
        output %2
      }
      output %2
    }
    """

  static func file(_ text: String, _ name: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString).cwg").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// A network exported for two images, whose inner shapes say so, is told from one that is wrong.
  @Test func anotherBatchThanTheFilesIsExplained() throws {
    let path = try Self.file(
      """
      graph "g" {
        source "g.onnx" "onnx" "by hand" nodes ["view"]
        input %0 "x" : f32[2, 3, 4]
        const %1 "shape" : i64[2] = values [2, 12]
        %2 "y" : f32[2, 12] = reshape(%0, %1) {allowsZero = false} name "view" from ["view"]
        output %2
      }
      """, "fixed")
    defer { try? FileManager.default.removeItem(atPath: path) }
    var request = ModelRequest(path: path)
    #expect(throws: Never.self) { try Inspection(request, target: nil) }
    request.batch = 1
    #expect { try Inspection(request, target: nil) } throws: {
      "\($0)".contains("'view'") && "\($0)".contains("made for a batch of 2: leave --batch out")
    }
  }

  @Test func theDearerBranchIsCountedAndTold() throws {
    let path = try Self.file(Self.choice, "choice")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let inspection = try Inspection(ModelRequest(path: path), target: nil)
    let line = try #require(inspection.lines.first { $0.operator == "if" })
    #expect(line.parameters == 16 + 32)
    #expect(line.macs == 2 * 4 * 4 + 2 * 4 * 8)
    let note = inspection.diagnostics.map(\.description).first { $0.contains("'choice'") } ?? ""
    #expect(note.contains("is counted as its then branch"))
    #expect(note.contains("192 FLOPs and 48 parameters") && note.contains("128 FLOPs and 32 parameters"), "\(note)")
  }

  @Test func whatABranchCannotTellIsSaid() throws {
    let open = Self.choice.replacing("f32[2, 4] = matmul(%0, %1) name \"first\"", with: "f32[`rows`, 4] = matmul(%0, %1) name \"first\"")
    let path = try Self.file(open, "open")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let notes = try Inspection(ModelRequest(path: path), target: nil).diagnostics.map(\.description)
    #expect(
      notes.contains {
        $0.contains("the dearer as far as it can be told") && $0.contains("48 parameters, and 2 of its nodes cannot be counted")
      }, "\(notes)")
  }

  /// The bias of a product is a parameter however few and however stored; the axes of a transposition are none.
  @Test func biasesOfFewIntegersAreParameters() throws {
    let text = """
      graph "g" {
        source "g.onnx" "onnx" "by hand" nodes ["scale", "bias", "product", "turn"]
        input %0 "x" : f32[2, 4]
        const %1 "w" : i8[3, 4] = absent
        const %2 "s" : f32[] = base64 "AAAAPw=="
        const %3 "b" : i32[3] = values [1, 2, 3]
        %4 "wf" : f32[3, 4]<i8 tensor f32> = dequantize(%1, %2) {axis = 1, blockSize = 0} name "scale" from ["scale"]
        %5 "bf" : f32[3]<i32 tensor f32> = dequantize(%3, %2) {axis = 0, blockSize = 0} name "bias" from ["bias"]
        %6 "y" : f32[2, 3] = gemm(%0, %4, %5) {alpha = 1, beta = 1, transposesA = false, transposesB = true} name "product" from ["product"]
        output %6
      }
      """
    let path = FileManager.default.temporaryDirectory.appending(path: "biases-\(UUID().uuidString).cwg").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let inspection = try Inspection(ModelRequest(path: path), target: nil)
    #expect(inspection.lines.first { $0.operator == "gemm" }?.parameters == 12 + 3)
  }

  /// Work that open extents decide is unknown, not none.
  @Test func arithmeticOfOpenExtentsIsUnknown() throws {
    let path = try Self.file(
      """
      graph "g" {
        source "g.onnx" "onnx" "by hand" nodes ["first", "second"]
        input %0 "x" : f32[batch, 4]
        const %1 "w" : f32[4, 8] = absent
        %2 "h" : f32[batch, 8] = matmul(%0, %1) name "first" from ["first"]
        %3 "y" : f32[batch, 8] = unary(%2) {function = "relu"} name "second" from ["second"]
        output %3
      }
      """, "open")
    defer { try? FileManager.default.removeItem(atPath: path) }
    var request = ModelRequest(path: path)
    let open = try Inspection(request, target: nil)
    #expect(open.lines.allSatisfy { $0.macs == nil && $0.flops == nil && $0.uncounted == 1 })
    #expect(open.lines.reduce(0) { $0 + $1.parameters } == 32)
    #expect(try open.json().contains("\"macs\" : null"))
    #expect(try open.json().contains("cyclewright.inspection/1"))
    #expect(open.text().contains("–"))
    request.dimensions = ["batch": 3]
    #expect(try Inspection(request, target: nil).lines.compactMap(\.macs).reduce(0, +) == 96)
  }
}
