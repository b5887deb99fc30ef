internal import Foundation
package import Basic
internal import Compression

/// Two compressions side by side: size, accuracy, error and time per node, and what became slower.
package struct CompressionComparison: Sendable {
  package var first: CompressionReport
  package var second: CompressionReport

  package init(_ first: CompressionReport, _ second: CompressionReport) { (self.first, self.second) = (first, second) }

  /// One stored tensor or kernel, in either report.
  package struct Row: Sendable {
    package var name: String
    /// Of the integers against the original, in A and B.
    package var decibels: (Double?, Double?)
    /// Of the kernel that makes it, in A and B.
    package var seconds: (Double?, Double?)

    /// What B lost against A, dB.
    package var loss: Double { if let a = decibels.0, let b = decibels.1 { a - b } else { 0 } }
  }

  /// Every stored tensor of either report with the time of the kernel that makes it; worst loss first, then the slowest.
  package var rows: [Row] {
    let (a, b) = (stored(first), stored(second))
    let (timesA, timesB) = (times(first), times(second))
    let names = a.map(\.tensor) + b.map(\.tensor).filter { name in !a.contains { $0.tensor == name } }
    return names.map { name in
      let (x, y) = (a.first { $0.tensor == name }, b.first { $0.tensor == name })
      let node = x?.node ?? y?.node
      return Row(
        name: name, decibels: (x?.integerDecibels, y?.integerDecibels),
        seconds: (node.flatMap { timesA[$0] }, node.flatMap { timesB[$0] }))
    }.sorted { ($1.loss, $1.seconds.1 ?? 0, $0.name) < ($0.loss, $0.seconds.1 ?? 0, $1.name) }
  }

  private func stored(_ report: CompressionReport) -> [IntegerReport.Row] { report.integers?.rows ?? [] }

  /// Seconds of the kernel that carries out a node.
  private func times(_ report: CompressionReport) -> [String: Double] {
    var result: [String: Double] = [:]
    for kernel in report.latency?.kernels ?? [] { for node in kernel.nodes { result[node] = kernel.afterSeconds } }
    return result
  }
}

extension CompressionReport {
  package static let currentSchema = "cyclewright.compression/2"

  /// True for what `compress --json` and `evaluate --json` write.
  package static func recognises(_ bytes: [UInt8]) -> Bool {
    struct Header: Decodable { var schema: String }
    return (try? JSONDecoder().decode(Header.self, from: Data(bytes)))?.schema.hasPrefix("cyclewright.compression/") == true
  }

  package static func decode(_ bytes: [UInt8], file: String) throws(Failure) -> CompressionReport {
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let report = try decoder.decode(CompressionReport.self, from: Data(bytes))
      // The first version had the same keys in another spelling.
      guard [currentSchema, "cyclewright.compression/1"].contains(report.schema) else {
        throw Failure("the schema is '\(report.schema)', this version reads '\(currentSchema)'", at: SourceLocation(file: file))
      }
      return report
    } catch let failure as Failure { throw failure } catch {
      throw Failure("not a saved compression report", at: SourceLocation(file: file), fix: "make it again with compress --json")
    }
  }
}
