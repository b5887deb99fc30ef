package import Basic
internal import IR
internal import Foundation

/// A file mapped into memory: its pages are read when touched, and the map lives as long as any tensor refers to it.
///
/// A file that shrinks while it is mapped ends the process with a bus error, as with every memory map.
package final class MappedFile: ByteSource, @unchecked Sendable {
  // Unchecked: the bytes are never written after init.
  package let name: String
  package let count: Int
  let base: UnsafeRawPointer
  private let release: Release

  private enum Release { case unmap, free }

  /// Maps a regular, non-empty file.
  package init(path: String) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure("cannot open '\(path)': \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure("'\(path)' is not a regular file")
    }
    guard status.st_size > 0 else { throw Failure("'\(path)' is empty") }
    let size = Int(status.st_size)
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw Failure("cannot map '\(path)': \(String(cString: strerror(errno)))")
    }
    name = path
    count = size
    base = UnsafeRawPointer(memory)
    release = .unmap
  }

  /// A file whose contents are given: models made in memory.
  package init(name: String, contents: [UInt8]) {
    self.name = name
    count = contents.count
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(contents.count, 1), alignment: 16)
    contents.withUnsafeBytes {
      memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: contents.count)
    }
    base = UnsafeRawPointer(memory)
    release = .free
  }

  /// Bytes of a file, nil when there is none.
  static func size(of path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  deinit {
    switch release {
    case .unmap: munmap(UnsafeMutableRawPointer(mutating: base), count)
    case .free: base.deallocate()
    }
  }

  /// Lets go of the pages of a long range that will not be read soon. The kernel maps whole folios of up to 2 MiB when one
  /// byte is touched, so that walking over the headers of large weights would otherwise map most of the file.
  func forget(_ range: Range<Int>) {
    guard release == .unmap, range.count >= 1 << 18 else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    if end > start { madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED) }
  }

  package func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the mapped file")
    return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }
}
