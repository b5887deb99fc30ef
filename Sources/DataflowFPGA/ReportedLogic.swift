/// Look-up tables and flip-flops that a synthesis report counts for a stage, where the tool's own counting is known.
///
///     count = base + sum over terms of coefficient · size of the term
///
/// Reports add up the operators, registers and multiplexers of every stage as generated, before logic synthesis shares or removes
/// any: for stages without weights the sums are straight lines in the channels.
package struct ReportedLogic: Sendable, Hashable {
  /// What a count grows with.
  package enum Term: String, Sendable, Hashable, CaseIterable {
    /// Channels, and channels times the bits that address a row; both in units of 16-bit words.
    case channel = "per-channel"
    case addressBit = "per-address-bit"
    /// Rows of the window times channels, and all elements of the window, in units of 16-bit words.
    case windowRow = "per-window-row"
    case input = "per-input"
    case multiplier = "per-multiplier"
    case output = "per-output"
    case weight = "per-weight"
    /// Rows of padding beyond the first.
    case border = "per-border"
    case base
  }

  /// Stages the tool counts alike; `lane` is one FIFO of a stream.
  package enum Stage: String, Sendable, Hashable, CaseIterable {
    case pool, padding, scaled, activation, softmax, convolution, dense, lane
  }

  package enum Resource: String, Sendable, Hashable, CaseIterable { case lut, ff }

  package struct Law: Sendable, Hashable {
    package var stage: Stage
    package var resource: Resource
    /// Nil for both strategies.
    package var strategy: Strategy?
    package var coefficients: [Term: Double]
  }

  package var laws: [Law]

  /// The count for a stage; nil when the tool's counting is not known.
  func count(_ resource: Resource, _ stage: Stage, _ strategy: Strategy, _ size: (Term) -> Double) -> Int? {
    let law = laws.first { $0.stage == stage && $0.resource == resource && ($0.strategy == nil || $0.strategy == strategy) }
    guard let law else { return nil }
    // In the order of the terms, so that the sum does not depend on the order of a dictionary.
    return Int(Term.allCases.reduce(0) { $0 + (law.coefficients[$1] ?? 0) * size($1) }.rounded())
  }
}

extension LayerModel {
  /// Replaces the reported logic of a stage by the tool's own counting, where that is known.
  func reportLogic(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    guard layer.transfer == .stream, let stage = layer.kind.reportedStage else { return }
    func size(_ term: ReportedLogic.Term) -> Double { layer.size(term) }
    if let lut = profile.logic.count(.lut, stage, layer.strategy, size) { result.reported.lut = lut }
    if let ff = profile.logic.count(.ff, stage, layer.strategy, size) { result.reported.ff = ff }
  }

  /// Reported logic of the FIFOs of a stream with `lanes` words side by side.
  func reportedLogic(lanes: Int, _ strategy: Strategy) -> Area {
    func size(_ term: ReportedLogic.Term) -> Double { term == .base ? Double(lanes) : 0 }
    return Area(
      lut: profile.logic.count(.lut, .lane, strategy, size) ?? 0, ff: profile.logic.count(.ff, .lane, strategy, size) ?? 0)
  }
}

extension LayerSpec.Kind {
  /// The stage as reports name it; nil for kinds that no report has.
  var reportedStage: ReportedLogic.Stage? {
    switch self {
    case .dense: .dense
    case .convolution: .convolution
    case .pool: .pool
    case .activation: .activation
    case .scaled: .scaled
    case .padding: .padding
    case .softmax: .softmax
    case .globalPool, .table, .add, .concatenate, .split, .resize, .copy: nil
    }
  }
}

extension LayerSpec {
  /// How large a term is for this layer.
  fileprivate func size(_ term: ReportedLogic.Term) -> Double {
    let words = Double(dataBits) / 16
    switch term {
    case .base: return 1
    case .channel: return words * Double(channels)
    case .addressBit: return words * Double(channels * LatencyKernel.treeLevels(width))
    case .windowRow: return words * Double(channels * kernelHeight)
    case .input: return words * Double(windowInputs)
    case .multiplier: return Double(multipliers)
    case .output: return Double(kernelOutputs)
    case .weight: return Double(weightCount)
    case .border: return Double(max(0, padTop - 1))
    }
  }
}
