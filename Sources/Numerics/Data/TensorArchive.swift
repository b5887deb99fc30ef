package import Basic
internal import Foundation
package import IR

/// Calibration and test data as NumPy and the MNIST family store it: `.npy`, `.npz`, a folder of `.npy`, IDX and IDX.gz.
///
/// The kind of a file is told by its first bytes. Sizes and counts are checked against the file before anything is allocated.
package struct TensorArchive: Sendable {
  package struct Entry: Sendable {
    /// Name in the archive, or the file's name without its extension.
    package var name: String
    package var tensor: Tensor
  }

  /// In archive order; folders in order of names.
  package private(set) var entries: [Entry]

  package subscript(_ name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }

  package init(path: String) throws(Failure) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure("there is no data file '\(path)'", fix: "name an .npy, .npz or IDX file, or a folder of .npy files")
    }
    entries = isFolder.boolValue ? try TensorArchive.folder(path) : try TensorArchive.file(path)
  }

  private static func folder(_ path: String) throws(Failure) -> [Entry] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(".npy") }.sorted()
    guard !names.isEmpty else { throw Failure("the folder '\(path)' holds no .npy file") }
    var entries: [Entry] = []
    for name in names { entries += try file((path as NSString).appendingPathComponent(name)) }
    return entries
  }

  private static func file(_ path: String) throws(Failure) -> [Entry] {
    guard let data = FileManager.default.contents(atPath: path) else { throw Failure("cannot read '\(path)'") }
    let bytes = [UInt8](data)
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    do throws(DataFileError) { return try decoded(bytes[...], stem: stem) } catch {
      throw Failure(error.message, at: SourceLocation(file: path, byte: error.byte), fix: error.fix)
    }
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>, stem: String) throws(DataFileError) -> [Entry] {
    switch Array(bytes.prefix(4)) {
    case [0x93, 0x4E, 0x55, 0x4D]: return [Entry(name: stem, tensor: try NPYFile.tensor(bytes))]
    case [0x50, 0x4B, 0x03, 0x04], [0x50, 0x4B, 0x05, 0x06]:
      var entries: [Entry] = []
      for member in try ZipArchive(bytes).members where member.name.hasSuffix(".npy") {
        do throws(DataFileError) {
          entries.append(Entry(name: String(member.name.dropLast(4)), tensor: try NPYFile.tensor(try member.contents()[...])))
        } catch {
          throw DataFileError("member '\(member.name)': \(error.message)", at: error.byte, fix: error.fix)
        }
      }
      guard !entries.isEmpty else { throw DataFileError("the archive holds no .npy member", fix: "write it with numpy.savez") }
      return entries
    case let start where start.starts(with: [0x1F, 0x8B]):
      let limit = IDXFile.largestBytes(compressed: bytes.count)
      return [
        Entry(name: (stem as NSString).deletingPathExtension, tensor: try IDXFile.tensor(try Inflation.gzip(bytes, limit: limit)[...]))
      ]
    case let start where start.starts(with: [0, 0]): return [Entry(name: stem, tensor: try IDXFile.tensor(bytes))]
    default:
      throw DataFileError(
        bytes.isEmpty ? "the file is empty" : "neither NumPy nor IDX data", fix: "give an .npy, .npz, IDX or IDX.gz file")
    }
  }
}

/// What is wrong with the bytes of a data file, and where.
struct DataFileError: Error {
  var message: String
  var byte: Int?
  var fix: String?

  init(_ message: String, at byte: Int? = nil, fix: String? = nil) {
    self.message = message
    self.byte = byte
    self.fix = fix
  }
}

extension ArraySlice<UInt8> {
  /// The little-endian number of `width` bytes at `offset` from the start of the slice.
  func littleEndian(_ offset: Int, _ width: Int) throws(DataFileError) -> Int {
    guard offset >= 0, offset <= count - width else {
      throw DataFileError("the file ends too early", at: startIndex + Swift.max(0, offset))
    }
    return (0..<width).reduce(0) { $0 | Int(truncatingIfNeeded: UInt64(self[startIndex + offset + $1]) << UInt64(8 * $1)) }
  }
}

extension Tensor {
  /// Elements as they stand in a data file; a big-endian file is turned round first.
  init(_ element: ElementType, _ shape: [Int], fileBytes bytes: ArraySlice<UInt8>, isBigEndian: Bool) throws(DataFileError) {
    var contents = Array(bytes)
    let width = element.bits / 8
    if isBigEndian, width > 1 {
      for start in stride(from: 0, to: contents.count, by: width) { contents[start..<(start + width)].reverse() }
    }
    guard let tensor = Tensor(Constant(TensorType(element, shape), .bytes(TensorData(.inline(contents))))) else {
      throw DataFileError("elements of type \(element.rawValue) cannot be opened")
    }
    self = tensor
  }
}
