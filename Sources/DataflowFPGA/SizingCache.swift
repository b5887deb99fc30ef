internal import Engine
internal import Synchronization

/// Pipelines whose FIFOs were sized before in this process: candidates that differ in word lengths or clocks, or whose reuse factors
/// come to the same legal ones, run alike cycle for cycle.
final class SizingCache: Sendable {
  static let shared = SizingCache()

  private struct Sizing: Sendable {
    /// The pipeline, whatever its words are wide.
    var network: DataflowNetwork
    var depths: [Int]
    var run: DataflowRun?
  }

  /// By hash: a table of another key type takes longer to set up than a small pipeline to simulate.
  private let known = Mutex<[Int: [Sizing]]>([:])
  /// Pipelines kept; further ones are simulated anew.
  private static let limit = 1 << 12

  /// As `DataflowNetwork.sizedByOccupancy`.
  func sized(_ network: DataflowNetwork) throws(DataflowNetworkError) -> (network: DataflowNetwork, run: DataflowRun?) {
    // How wide a word is does not change when it moves.
    var key = network
    for index in key.fifos.indices { (key.fifos[index].width, key.fifos[index].lanes) = (1, 1) }
    var result = network
    let hash = key.hashValue
    if let sizing = known.withLock({ $0[hash]?.first { $0.network == key } }) {
      for (index, depth) in sizing.depths.enumerated() { result.fifos[index].depth = depth }
      return (result, sizing.run)
    }
    let run: DataflowRun?
    (result, run) = try network.sizedByOccupancy()
    let sizing = Sizing(network: key, depths: result.fifos.map(\.depth), run: run)
    known.withLock { if $0.count < Self.limit { $0[hash, default: []].append(sizing) } }
    return (result, run)
  }
}
