package import Basic
package import Compression
package import IR
internal import Numerics

/// Samples of a model's inputs from a data file.
package enum SampleFile {
  /// Names under which labels are looked for, when the model has no such input.
  static let labelNames = ["label", "labels", "y", "target", "targets", "test_y", "train_y"]

  /// - Parameter limit: at most this many of the first samples; nil for all.
  package static func read(_ path: String, for graph: Graph, limit: Int? = nil) throws(Failure) -> SampleSet {
    let archive = try TensorArchive(path: path)
    let inputs = Set(graph.inputs.map { graph[$0].name })
    var arrays: [(name: String, tensor: Tensor)] = []
    var labels: [Int]?
    for entry in archive.entries {
      if !inputs.contains(entry.name), labelNames.contains(entry.name), entry.tensor.rank == 1 {
        do throws(OperatorError) { labels = try entry.tensor.integers().map { Int($0) } } catch {
          throw Failure("labels '\(entry.name)': \(error)", at: SourceLocation(file: path))
        }
      } else {
        arrays.append((entry.name, entry.tensor))
      }
    }
    let samples = try SampleSet(arrays, labels: labels, source: path)
    return limit.map { samples.prefix($0, for: graph) } ?? samples
  }
}
