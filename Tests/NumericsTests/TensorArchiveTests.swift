import Basic
import Foundation
import IR
import Numerics
import Testing

/// Files are made byte by byte here, so that every field can also be made wrong.
@Suite struct TensorArchiveTests {
  private func read(_ bytes: [UInt8], name: String = "x.npy") throws -> TensorArchive {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cyclewright-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return try TensorArchive(path: file.path)
  }

  private func npy(_ descr: String, _ shape: String, fortran: Bool = false, _ body: [UInt8]) -> [UInt8] {
    let header = Array("{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n".utf8)
    return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(header.count), 0] + header + body
  }

  private func floats(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes(Array.init) }

  private func little(_ value: Int, _ width: Int) -> [UInt8] { (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  private func crc(_ bytes: [UInt8]) -> Int {
    var c: UInt32 = ~0
    for byte in bytes {
      c ^= UInt32(byte)
      for _ in 0..<8 { c = c & 1 == 1 ? c >> 1 ^ 0xEDB8_8320 : c >> 1 }
    }
    return Int(~c)
  }

  private func zip(_ name: String, method: Int, packed: [UInt8], contents: [UInt8], count: Int? = nil) -> [UInt8] {
    let size = count ?? contents.count
    let local =
      little(0x0403_4B50, 4) + little(20, 2) + little(0, 2) + little(method, 2) + little(0, 4) + little(crc(contents), 4)
      + little(packed.count, 4) + little(size, 4) + little(name.utf8.count, 2) + little(0, 2) + Array(name.utf8) + packed
    let entry =
      little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + little(0, 2) + little(method, 2) + little(0, 4)
      + little(crc(contents), 4) + little(packed.count, 4) + little(size, 4) + little(name.utf8.count, 2) + little(0, 12) + little(0, 4)
      + Array(name.utf8)
    let end =
      little(0x0605_4B50, 4) + little(0, 4) + little(1, 2) + little(1, 2) + little(entry.count, 4) + little(local.count, 4)
      + little(0, 2)
    return local + entry + end
  }

  /// A deflate stream of one stored block.
  private func stored(_ bytes: [UInt8]) -> [UInt8] { [1] + little(bytes.count, 2) + little(~bytes.count, 2) + bytes }

  @Test func arraysOfEveryOrder() throws {
    let plain = try read(npy("<f4", "(2, 3)", floats([1, 2, 3, 4, 5, 6])))
    #expect(plain.entries[0].name == "x")
    #expect(plain.entries[0].tensor.shape == [2, 3])
    #expect(try plain.entries[0].tensor.doubles() == [1, 2, 3, 4, 5, 6])
    let columns = try read(npy("<f4", "(2, 3)", fortran: true, floats([1, 4, 2, 5, 3, 6])))
    #expect(columns.entries[0].tensor.shape == [2, 3])
    #expect(try columns.entries[0].tensor.doubles() == [1, 2, 3, 4, 5, 6])
    #expect(try read(npy(">i2", "(2,)", [0, 1, 1, 0])).entries[0].tensor.doubles() == [1, 256])
    #expect(try read(npy("<i8", "()", little(7, 8))).entries[0].tensor.shape == [])
  }

  @Test func archivesStoredAndDeflated() throws {
    let array = npy("|u1", "(4,)", [9, 8, 7, 6])
    for bytes in [zip("y.npy", method: 0, packed: array, contents: array), zip("y.npy", method: 8, packed: stored(array), contents: array)]
    {
      let archive = try read(bytes, name: "a.npz")
      #expect(try archive["y"]?.doubles() == [9, 8, 7, 6])
    }
  }

  @Test func idxIsBigEndian() throws {
    let images = try read([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4], name: "images-idx3-ubyte")
    #expect(images.entries[0].tensor.shape == [2, 2])
    #expect(try images.entries[0].tensor.doubles() == [1, 2, 3, 4])
    #expect(try read([0, 0, 0x0C, 1, 0, 0, 0, 1, 0, 0, 1, 0], name: "i").entries[0].tensor.doubles() == [256])
  }

  @Test func damagedFilesAreRefusedWithTheReason() throws {
    let good = npy("<f4", "(2, 3)", floats([1, 2, 3, 4, 5, 6]))
    for length in stride(from: 0, to: good.count, by: 3) { #expect(throws: Failure.self) { try read(Array(good.prefix(length))) } }
    let cases: [[UInt8]] = [
      npy("<f4", "(99999999999, 99999999999)", floats([1])), npy("<f4", "(-1,)", floats([1])), npy("<c8", "(1,)", floats([1, 2])),
      npy("<f4", "(4611686018427387904, 4)", floats([1])), [0, 0, 8, 9], [0, 0, 8, 1, 255, 255, 255, 255, 1], Array("hello".utf8),
      zip("y.npy", method: 8, packed: stored(good), contents: good, count: 1 << 30),
      zip("y.npy", method: 8, packed: stored(good), contents: good, count: good.count - 1),
      zip("y.npy", method: 0, packed: good, contents: Array(good.dropLast()) + [1]), zip("y.npy", method: 12, packed: good, contents: good),
      [0x1F, 0x8B, 8, 0, 0, 0, 0, 0],
    ]
    for bytes in cases { #expect(throws: Failure.self) { try read(bytes, name: "x.npz") } }
    let archive = zip("y.npy", method: 0, packed: good, contents: good)
    for length in stride(from: 1, to: archive.count, by: 7) { #expect(throws: Failure.self) { try read(Array(archive.prefix(length))) } }
  }

  @Test func changedBytesNeverCrash() throws {
    let good = zip("y.npy", method: 8, packed: stored(npy("|u1", "(4,)", [9, 8, 7, 6])), contents: npy("|u1", "(4,)", [9, 8, 7, 6]))
    for place in good.indices {
      var bytes = good
      bytes[place] ^= 0xFF
      _ = try? read(bytes, name: "x.npz")
    }
  }
}
