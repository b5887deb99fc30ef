package import Hardware

/// An FPGA target as read from XML: the part, its clock and board, the tool profiles and the request.
package struct FPGADescription: Sendable {
  package var part: FPGAPart
  /// Hertz.
  package var clock: Double
  package var profiles: [ImplementationProfile]
  package var request: Request
  package var board: Board
  /// Multiplier rules of logic synthesisers, by name.
  package var mappers: [String: MultiplierRule]
  /// Every number of the file with its basis.
  package var numbers: [ReadNumber]

  /// The choices of a run; all can be set from the command line (`--set hls.reuse=64`).
  package struct Request: Sendable, Hashable {
    package var profile: String
    /// Reuse factor of every layer; 0 for the fastest folding that fits the part.
    package var reuse: Int
    /// Folding of single layers, which goes before `reuse` and any search.
    package var folding: String
    package var strategy: Strategy
    package var transfer: Transfer
    /// Bits of weights and activations whose element type is a float, which an FPGA pipeline replaces by fixed point.
    package var fixedBits: Int
    /// Frames per second to fold for; 0 keeps `reuse`.
    package var frameRate: Double
    /// FIFO depths: 0 the tool's default (whole tensors), 1 the occupancy of one simulated frame, 2 the least that costs
    /// no throughput.
    package var sizing: Int
    /// Depth of every FIFO in words; 0 for the tool's default or the sized depth.
    package var fifoDepth: Int
  }

  /// The board around the part; absent figures are zero and then not used.
  package struct Board: Sendable, Hashable {
    /// Seconds the host spends per frame.
    package var hostSeconds: Double
    /// Watts of the whole board under load.
    package var watts: Double
    /// Seconds per frame by which a run under the energy monitor is slower.
    package var energyRunSeconds: Double
  }

  /// Clock period in nanoseconds.
  package var period: Double { 1e9 / clock }

  package var profile: ImplementationProfile? { profiles.first { $0.name == request.profile } }
}
