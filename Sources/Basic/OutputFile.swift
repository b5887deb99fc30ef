internal import Foundation

/// Where output goes. A file is written beside its place and renamed, so that nobody ever sees half of it; links are followed, and
/// what is no file of its own (a device, a pipe, an open descriptor) is written in place and never replaced.
package struct OutputFile: Sendable {
  /// As the user gave it, for messages.
  private let path: String
  private let place: Place

  private enum Place {
    /// An open descriptor of this process.
    case descriptor(Int32)
    /// A device or a pipe.
    case inPlace(String)
    /// A regular file or nothing yet, all links followed.
    case replaced(String)
  }

  /// `-` is standard output.
  package init(_ path: String) throws(Failure) {
    self.path = path
    guard path != "-" else {
      place = .descriptor(STDOUT_FILENO)
      return
    }
    guard !path.isEmpty else { throw Failure("the name of the file to write is empty", fix: "name a file, or - for standard output") }
    place = try Self.resolve(path)
  }

  /// Whether the output is a file, beside which others can stand.
  package var isFile: Bool { if case .replaced = place { true } else { false } }

  /// The place of the file, the same for every way to write it; nil for what several outputs may share.
  package var identity: String? {
    guard case .replaced(let file) = place else { return nil }
    return Self.realFolder(Self.folder(of: file)) + "/" + (file.split(separator: "/").last ?? "")
  }

  /// Fails when the file cannot be written, before any work is done for it.
  package func check() throws(Failure) {
    switch place {
    case .descriptor: return
    case .inPlace(let node): if access(node, W_OK) != 0 { throw failure(errno) }
    case .replaced(let file): if access(Self.folder(of: file), W_OK | X_OK) != 0 { throw failure(errno) }
    }
  }

  /// What writes a file: it hands the parts on, one after the other.
  package typealias Body = (_ part: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  package func write(_ body: Body) throws(Failure) {
    do {
      switch place {
      case .descriptor(let descriptor): try body { try append($0, to: descriptor) }
      case .inPlace(let node):
        let descriptor = open(node, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        try finish(descriptor, body)
      case .replaced(let file): try replace(file, body)
      }
    } catch {
      throw error as? Failure ?? Failure("cannot write the file: \(error)", at: SourceLocation(file: path))
    }
  }

  package func write(_ bytes: some Collection<UInt8>) throws(Failure) {
    try write { part in try ContiguousArray(bytes).withUnsafeBytes(part) }
  }

  /// A line for the person at the terminal; where it cannot be shown there is nobody to tell.
  package static func note(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  private func replace(_ file: String, _ body: Body) throws {
    var status = stat()
    let mode = stat(file, &status) == 0 ? status.st_mode & 0o777 : nil
    // A name of its own: threads of one process may write into one folder.
    let temporary = Self.folder(of: file) + "/.cyclewright-\(UUID().uuidString).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(errno) }
    do {
      // Who could read the old file can read the new one, and nobody else.
      if let mode { fchmod(descriptor, mode) }
      try finish(descriptor, body)
      guard rename(temporary, file) == 0 else { throw failure(errno) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes and closes; a full disk may show only then.
  private func finish(_ descriptor: Int32, _ body: Body) throws {
    do { try body { try append($0, to: descriptor) } } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw failure(errno) }
  }

  private func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    var rest = bytes
    while !rest.isEmpty {
      // One call takes 2 GiB at most.
      let count = Foundation.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(errno) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }

  private func failure(_ code: Int32) -> Failure {
    let fix =
      switch code {
      case ENOENT, ENOTDIR, EACCES, EROFS, EPERM: "check that the folder exists and is writable"
      case EISDIR: "name a file in it"
      default: String?.none
      }
    let place = path == "-" ? nil : SourceLocation(file: path)
    return Failure("cannot write \(path == "-" ? "standard output" : "the file"): \(String(cString: strerror(code)))", at: place, fix: fix)
  }
}

extension OutputFile {
  /// Follows links one by one, because the last one may lead to a file that is not there yet.
  private static func resolve(_ path: String) throws(Failure) -> Place {
    var current = path
    for _ in 0..<40 {
      let folder = realFolder(folder(of: current))
      let name = current.split(separator: "/").last.map(String.init) ?? ""
      // `/dev/stdout`, `/dev/fd/3`: what is open there goes on where it stands, also when it is a socket.
      if folder == "/proc/\(getpid())/fd" || folder == "/dev/fd", let descriptor = Int32(name) { return .descriptor(descriptor) }
      var status = stat()
      guard lstat(current, &status) == 0 else { return .replaced(current) }
      switch status.st_mode & S_IFMT {
      case S_IFREG: return .replaced(current)
      case S_IFLNK:
        guard let next = destination(of: current) else { return .replaced(current) }
        current = next.hasPrefix("/") ? next : "\(folder)/\(next)"
      case S_IFDIR: throw Failure("this is a folder", at: SourceLocation(file: path), fix: "name a file in it")
      default: return .inPlace(current)
      }
    }
    throw Failure("links lead round in a circle", at: SourceLocation(file: path))
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func realFolder(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func destination(of link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink(link, $0, bytes.count) } ?? 0
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }
}
