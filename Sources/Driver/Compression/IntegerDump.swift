internal import Foundation
internal import Basic
internal import Compression
internal import IR

/// Writes the stored integers of every tensor as NumPy files, so that other runtimes can be compared element by element.
struct IntegerDump {
  let folder: String

  func write(_ graph: Graph, _ arithmetic: IntegerArithmetic, _ batches: [[Datum?]]) throws(Failure) {
    let execution = try IntegerExecution(graph, arithmetic)
    var parts: [ValueID: [Tensor]] = [:]
    for batch in batches { _ = try execution.run(batch) { parts[$0, default: []].append($1) } }
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw Failure("cannot make the folder", at: SourceLocation(file: folder))
    }
    for (index, value) in parts.keys.sorted().enumerated() {
      guard let tensors = parts[value], let first = tensors.first else { continue }
      let shape = [tensors.reduce(0) { $0 + ($1.shape.first ?? 1) }] + first.shape.dropFirst()
      var numbers: [Int64] = []
      do throws(OperatorError) { for tensor in tensors { numbers += try tensor.integers() } } catch { throw Failure("\(error)") }
      // The name goes into the file: value names may hold slashes.
      try FileOutput.write(Self.npy(numbers.map { Int32(truncatingIfNeeded: $0) }, shape), to: "\(folder)/\(index).npy")
      try FileOutput.write(graph[value].name + "\n", to: "\(folder)/\(index).txt")
    }
  }

  /// NumPy format 1.0, little-endian int32.
  private static func npy(_ values: [Int32], _ shape: [Int]) -> [UInt8] {
    let extents = shape.map { "\($0), " }.joined()
    var header = "{'descr': '<i4', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(header.utf8)
      + values.withUnsafeBytes(Array.init)
  }
}
