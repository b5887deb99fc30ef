internal import CGraphviz
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Lays a DOT file out with Graphviz: `cyclewright-render --format svg|png|pdf --output FILE [IN.dot]`.
///
/// A process of its own because the library cannot be cancelled, is not thread-safe and loads plugins. Without a file
/// it reads standard input. Exit codes: 0 drawn, 1 the text or the drawing is at fault, 2 usage.
@main
struct Render {
  static let formats = ["svg", "png", "pdf", "xdot"]
  static let sizeLimit = 256 << 20

  var format = "svg"
  var output = ""
  var input: String?
  var engine = "dot"

  static func main() {
    do throws(Problem) {
      try Render(Array(CommandLine.arguments.dropFirst())).draw()
    } catch {
      fputs("cyclewright-render: error: \(error.message)\n", cw_stderr())
      exit(error.code)
    }
  }

  struct Problem: Error {
    var message: String
    var code: Int32 = 1
  }

  init(_ arguments: [String]) throws(Problem) {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--format", "--output", "--engine":
        guard let value = rest.popFirst() else { throw Problem(message: "\(word) needs a value", code: 2) }
        if word == "--format" { format = value } else if word == "--output" { output = value } else { engine = value }
      case "--help":
        throw Problem(
          message: "usage: cyclewright-render --format \(Self.formats.joined(separator: "|")) --output FILE [IN.dot]",
          code: 2)
      default:
        guard input == nil, !word.hasPrefix("--") else {
          throw Problem(message: "unexpected argument '\(word)'", code: 2)
        }
        input = word
      }
    }
    guard Self.formats.contains(format) else {
      throw Problem(message: "the format '\(format)' is not one of \(Self.formats.joined(separator: ", "))", code: 2)
    }
    guard engine == "dot" || engine == "nop2" else {
      throw Problem(message: "the engine '\(engine)' is not dot or nop2", code: 2)
    }
    guard !output.isEmpty else { throw Problem(message: "--output is missing", code: 2) }
  }

  func draw() throws(Problem) {
    let text = try read()
    agreseterrors()
    guard let graph = cgv_read(text) else { throw Problem(message: "the DOT text cannot be read") }
    guard let context = gvContext() else { throw Problem(message: "Graphviz could not start") }
    guard gvLayout(context, graph, engine) == 0 else { throw Problem(message: "the layout failed") }
    // A label that Graphviz cannot read is dropped without a return code: only the error count tells.
    guard agerrors() == 0 else { throw Problem(message: "Graphviz reported errors in the DOT text") }
    var bytes: UnsafeMutablePointer<CChar>?
    var count = 0
    guard cgv_render(context, graph, format, &bytes, &count) == 0, let bytes, count > 0 else {
      throw Problem(message: "Graphviz cannot write \(format)")
    }
    guard let stream = fopen(output, "wb") else {
      throw Problem(message: "cannot write \(output): \(String(cString: strerror(errno)))")
    }
    let written = fwrite(bytes, 1, count, stream)
    guard fclose(stream) == 0, written == count else {
      throw Problem(message: "cannot write \(output): \(String(cString: strerror(errno)))")
    }
    gvFreeRenderData(bytes)
  }

  private func read() throws(Problem) -> String {
    let stream: UnsafeMutablePointer<FILE>?
    if let input { stream = fopen(input, "rb") } else { stream = fdopen(0, "rb") }
    guard let stream else {
      throw Problem(message: "cannot read \(input ?? "standard input"): \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    while bytes.count <= Self.sizeLimit {
      let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = fread(buffer.baseAddress, 1, buffer.count, stream)
      }
      if chunk.isEmpty { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk
    }
    throw Problem(message: "the DOT text has more than \(Self.sizeLimit) bytes")
  }
}
