package import Basic
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Lays DOT text out in a child process, which can be killed: Graphviz cannot be cancelled and is not thread-safe.
package struct GraphvizRenderer: Sendable {
  /// The rendering program; nil means `cyclewright-render` beside the running executable.
  package var executable: String?
  package var timeLimitSeconds = 20.0
  package var scratchFolder = "/tmp"

  package init() {}

  /// The picture with its DOT text as companion; when it cannot be drawn, the DOT text and the reason.
  package func report(_ dot: String, as format: String) -> RenderedReport {
    let companion = RenderedReport.Companion(fileExtension: "dot", bytes: Array(dot.utf8))
    do throws(Failure) {
      return RenderedReport(bytes: try render(dot, as: format), companion: companion)
    } catch {
      return RenderedReport(bytes: nil, companion: companion, diagnostics: error.diagnostics)
    }
  }

  /// How nodes get their places.
  package enum Engine: String, Sendable {
    case ranked = "dot"
    /// Every position is in the text already.
    case positioned = "nop2"
  }

  /// Renders DOT text as `svg`, `png` or `pdf`.
  package func render(_ dot: String, as format: String, engine: Engine = .ranked) throws(Failure) -> [UInt8] {
    let program = try program()
    let folder = try ScratchFolder(in: scratchFolder)
    try folder.write(Array(dot.utf8), to: "in.dot")
    let status = try run(
      program,
      ["--engine", engine.rawValue, "--format", format, "--output", folder.path("out"), folder.path("in.dot")],
      errors: folder.path("errors"))
    let messages = (folder.read("errors").map { String(decoding: $0.prefix(2000), as: UTF8.self) } ?? "").split(
      separator: "\n"
    ).prefix(3).joined(separator: "; ")
    switch status {
    case .exited(0): break
    case .exited(let code): throw Failure("the picture could not be drawn (exit \(code)): \(messages)")
    case .signalled(let signal): throw Failure("the renderer was ended by signal \(signal): \(messages)")
    case .timedOut:
      throw Failure(
        "the layout took more than \(Format.fixed(timeLimitSeconds, 0)) s and was stopped",
        fix: "draw less of it (--top, --focus, --group layer) or lay the .dot file out yourself")
    }
    guard let bytes = folder.read("out"), !bytes.isEmpty else {
      throw Failure("the renderer wrote nothing: \(messages)")
    }
    return format == "svg" ? Self.withoutDoctype(bytes) : bytes
  }

  private func program() throws(Failure) -> String {
    let path = executable ?? Self.folderOfRunningExecutable().map { "\($0)/cyclewright-render" } ?? "cyclewright-render"
    guard access(path, X_OK) == 0 else {
      throw Failure(
        "the renderer '\(path)' is missing",
        fix: "install Graphviz's library (libgraphviz-dev) and build cyclewright-render, or draw the .dot file with dot"
      )
    }
    return path
  }

  /// The SVG without its DOCTYPE, which would name a file on the network and cannot stand inside HTML.
  private static func withoutDoctype(_ svg: [UInt8]) -> [UInt8] {
    let text = String(decoding: svg, as: UTF8.self)
    guard let start = text.firstRange(of: "<!DOCTYPE"), let end = text[start.upperBound...].firstIndex(of: ">") else {
      return svg
    }
    return Array((text[..<start.lowerBound] + text[text.index(after: end)...]).utf8)
  }

  private enum Status { case exited(Int32), signalled(Int32), timedOut }

  private func run(_ program: String, _ arguments: [String], errors: String) throws(Failure) -> Status {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawn(&process, program, &actions, nil, &words, environ)
    guard code == 0 else {
      throw Failure("the renderer '\(program)' cannot be started: \(String(cString: strerror(code)))")
    }
    return wait(for: process)
  }

  private func wait(for process: pid_t) -> Status {
    var status: Int32 = 0
    var pause: UInt32 = 500
    var waited = 0.0
    while true {
      let found = waitpid(process, &status, WNOHANG)
      if found == process { break }
      if found < 0, errno != EINTR { return .exited(127) }
      if waited > timeLimitSeconds {
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return .timedOut
      }
      usleep(pause)
      waited += Double(pause) * 1e-6
      pause = min(pause * 2, 20_000)
    }
    let signal = status & 0x7F
    return signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
  }

  private static func folderOfRunningExecutable() -> String? {
    guard let path = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(path) }
    let text = String(cString: path)
    return text.lastIndex(of: "/").map { String(text[..<$0]) }
  }
}

/// A private folder for the files of one child process, removed at the end of its life.
private struct ScratchFolder: ~Copyable {
  private let folder: String
  private static let files = ["in.dot", "out", "errors"]

  init(in parent: String) throws(Failure) {
    var template = Array("\(parent)/cyclewright-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure("cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
    }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for file in Self.files { unlink("\(folder)/\(file)") }
    rmdir(folder)
  }

  func path(_ file: String) -> String { "\(folder)/\(file)" }

  func write(_ bytes: [UInt8], to file: String) throws(Failure) {
    guard let stream = fopen(path(file), "wb") else { throw Failure("cannot write \(path(file))") }
    let written = fwrite(bytes, 1, bytes.count, stream)
    guard fclose(stream) == 0, written == bytes.count else {
      throw Failure("cannot write \(path(file)): \(String(cString: strerror(errno)))")
    }
  }

  func read(_ file: String) -> [UInt8]? {
    guard let stream = fopen(path(file), "rb") else { return nil }
    defer { fclose(stream) }
    fseek(stream, 0, SEEK_END)
    let size = ftell(stream)
    guard size >= 0 else { return nil }
    rewind(stream)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = fread(buffer.baseAddress, 1, size, stream)
    }
  }
}
