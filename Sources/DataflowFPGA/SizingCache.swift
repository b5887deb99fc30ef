internal import Engine
internal import Synchronization

/// Pipelines whose FIFOs were sized before in this process: candidates that differ in word lengths or clocks, or whose reuse factors
/// come to the same legal ones, run alike cycle for cycle.
final class SizingCache: Sendable {
  static let shared = SizingCache()

  private struct Sizing: Sendable {
    var depths: [Int]
    var run: DataflowRun?
  }

  private let known = Mutex<[DataflowNetwork: Sizing]>([:])
  /// Pipelines kept; further ones are simulated anew.
  private static let limit = 1 << 12

  /// As `DataflowNetwork.sizedByOccupancy`.
  func sized(_ network: DataflowNetwork) throws(DataflowNetworkError) -> (network: DataflowNetwork, run: DataflowRun?) {
    // How wide a word is does not change when it moves.
    var key = network
    for index in key.fifos.indices { (key.fifos[index].width, key.fifos[index].lanes) = (1, 1) }
    var result = network
    if let sizing = known.withLock({ $0[key] }) {
      for (index, depth) in sizing.depths.enumerated() { result.fifos[index].depth = depth }
      return (result, sizing.run)
    }
    let run: DataflowRun?
    (result, run) = try network.sizedByOccupancy()
    let sizing = Sizing(depths: result.fifos.map(\.depth), run: run)
    known.withLock { if $0.count < Self.limit { $0[key] = sizing } }
    return (result, run)
  }
}
