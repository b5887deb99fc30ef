import Basic
import Foundation
import Testing

/// Output goes where the user pointed: files are replaced as a whole, everything else is written in place.
struct OutputFileTests {
  private let folder: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("output-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.folder = folder.path
  }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
  private func write(_ text: String, to name: String) throws { try OutputFile("\(folder)/\(name)").write(Array(text.utf8)) }
  private var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }
  private func remove() { try? FileManager.default.removeItem(atPath: folder) }

  @Test func filesAreReplacedAndKeepTheirMode() throws {
    defer { remove() }
    try write("old and long", to: "a")
    chmod("\(folder)/a", 0o640)
    try write("new", to: "a")
    #expect(try text("a") == "new")
    #expect(try FileManager.default.attributesOfItem(atPath: "\(folder)/a")[.posixPermissions] as? Int == 0o640)
    #expect(names == ["a"])
  }

  @Test func pipesAreWrittenInPlace() throws {
    defer { remove() }
    #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
    let reader = open("\(folder)/pipe", O_RDWR | O_NONBLOCK)
    defer { close(reader) }
    try write("through", to: "pipe")
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(reader, &bytes, 16)
    #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "through")
    var status = stat()
    #expect(lstat("\(folder)/pipe", &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
  }

  @Test(arguments: ["there", "not there yet"]) func linksAreFollowed(_ target: String) throws {
    defer { remove() }
    try FileManager.default.createDirectory(atPath: "\(folder)/other", withIntermediateDirectories: true)
    if target == "there" { try write("old", to: "other/\(target)") }
    symlink("other/\(target)", "\(folder)/link")
    symlink("link", "\(folder)/second")
    try write("new", to: "second")
    #expect(try text("other/\(target)") == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "other/\(target)")
  }

  @Test func circularLinksAndFoldersAreRefused() throws {
    defer { remove() }
    symlink("a", "\(folder)/b")
    symlink("b", "\(folder)/a")
    #expect(throws: Failure.self) { try write("x", to: "a") }
    #expect(throws: Failure.self) { try OutputFile(folder) }
    #expect(throws: Failure.self) { try OutputFile("") }
    #expect(throws: Failure.self) { try OutputFile("\(folder)/none/x").check() }
  }

  /// The shell's `--json /dev/fd/3 3>>file`.
  @Test func openDescriptorsGoOnWhereTheyStand() throws {
    defer { remove() }
    try write("first ", to: "log")
    let descriptor = open("\(folder)/log", O_WRONLY | O_APPEND)
    defer { close(descriptor) }
    try OutputFile("/dev/fd/\(descriptor)").write(Array("second".utf8))
    #expect(try text("log") == "first second")
  }

  /// What cannot take bytes is a message, as a full disk is.
  @Test func writingThatFailsIsAFailure() throws {
    defer { remove() }
    try write("kept", to: "a")
    let descriptor = open("\(folder)/a", O_RDONLY)
    defer { close(descriptor) }
    #expect(throws: Failure.self) { try OutputFile("/dev/fd/\(descriptor)").write([1, 2, 3]) }
    struct Stop: Error {}
    #expect(throws: Failure.self) { try OutputFile("\(folder)/a").write { _ in throw Stop() } }
    #expect(try text("a") == "kept")
    #expect(names == ["a"])
  }
}
