/// Bytes of a constant: a range of a mapped model file, or bytes the compiler made itself.
package struct TensorData: Sendable {
  package enum Storage: Sendable {
    case mapped(any ByteSource, Range<Int>)
    case inline([UInt8])
  }

  package var storage: Storage

  package init(_ storage: Storage) { self.storage = storage }

  package var byteCount: Int {
    switch storage {
    case .mapped(_, let range): range.count
    case .inline(let bytes): bytes.count
    }
  }

  /// Lends the bytes (little endian, packed) without copying.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    switch storage {
    case .mapped(let source, let range): try source.withBytes(range, body)
    case .inline(let bytes): try bytes.withUnsafeBytes(body)
    }
  }
}

/// A file that lends byte ranges: a memory map, kept open while any tensor refers to it.
package protocol ByteSource: AnyObject, Sendable {
  var name: String { get }
  func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}

extension TensorData: Hashable {
  package static func == (a: TensorData, b: TensorData) -> Bool {
    switch (a.storage, b.storage) {
    case (.mapped(let s, let r), .mapped(let t, let q)) where s === t && r == q: true
    default: a.byteCount == b.byteCount && a.withBytes { x in b.withBytes { y in x.elementsEqual(y) } }
    }
  }

  /// Hashes the length and both ends only: cheap, and equality decides.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(byteCount)
    withBytes { bytes in
      hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(64)))
      hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes.suffix(64)))
    }
  }
}
