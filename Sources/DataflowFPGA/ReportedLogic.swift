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
    /// Multipliers that are made of look-up tables.
    case tableMultiplier = "per-table-multiplier"
    case output = "per-output"
    case weight = "per-weight"
    /// Of an unrolled kernel: additions of products, weights that are one addition themselves, products that need a multiplier,
    /// those of them that share one, and those and the inputs when a vector comes in every cycle.
    case addition = "per-addition"
    case twoDigit = "per-two-digit-weight"
    case hardProduct = "per-hard-product"
    case sharedProduct = "per-shared-product"
    case pipelinedProduct = "per-pipelined-product"
    case pipelinedInput = "per-pipelined-input"
    /// Rows of padding beyond the first.
    case border = "per-border"
    case base
  }

  /// Stages the tool counts alike; `lane` is what one channel of a stream passes through between two stages: a FIFO, or between
  /// stages that hand over whole tensors a register for each element.
  package enum Stage: String, Sendable, Hashable, CaseIterable {
    case pool, padding, scaled, activation, add, softmax, convolution, dense, lane
  }

  package enum Resource: String, Sendable, Hashable, CaseIterable { case lut, ff }

  /// Clocks that the tool pipelines differently: it gives a stage registers of its own at a fast one.
  package enum Clock: String, Sendable, Hashable, CaseIterable { case relaxed, fast }

  package struct Law: Sendable, Hashable {
    package var stage: Stage
    package var resource: Resource
    /// Nil for both strategies, and for every clock.
    package var strategy: Strategy?
    package var clock: Clock?
    package var coefficients: [Coefficient]
  }

  package struct Coefficient: Sendable, Hashable {
    package var term: Term
    package var value: Double
  }

  package var laws: [Law]
  /// Designs whose stages are counted so.
  package var transfer: Transfer

  /// The count for a stage; nil when the tool's counting is not known.
  func count(_ resource: Resource, _ stage: Stage, _ strategy: Strategy, _ clock: Clock, _ size: (Term) -> Double) -> Int? {
    let law = laws.first {
      $0.stage == stage && $0.resource == resource && ($0.strategy ?? strategy) == strategy && ($0.clock ?? clock) == clock
    }
    guard let law else { return nil }
    return Int(law.coefficients.reduce(0) { $0 + $1.value * size($1.term) }.rounded())
  }
}

extension LayerModel {
  /// Replaces the reported logic of a stage by the tool's own counting, where that is known.
  func reportLogic(_ layer: LayerSpec, _ result: inout LayerEstimate) {
    guard layer.transfer == profile.logic.transfer, let stage = layer.kind.reportedStage else { return }
    let weights = layer.weightCount > 0 && layer.strategy == .latency ? weights(of: layer) : nil
    func size(_ term: ReportedLogic.Term) -> Double {
      switch term {
      case .tableMultiplier: Double(productBlocks(layer) == 0 ? multiplierCount(layer) : 0)
      case .sharedProduct: Double(weights.map { max(0, $0.hardProducts - multiplierCount(layer)) } ?? 0)
      default: layer.size(term, weights)
      }
    }
    if let lut = profile.logic.count(.lut, stage, layer.strategy, clock, size) { result.reported.lut = lut }
    if let ff = profile.logic.count(.ff, stage, layer.strategy, clock, size) { result.reported.ff = ff }
  }

  private var clock: ReportedLogic.Clock { period < profile.kernel.relaxedPeriod ? .fast : .relaxed }

  /// Reported logic of what `lanes` words side by side pass through between two stages.
  func reportedLogic(lanes: Int, _ strategy: Strategy) -> Area {
    func size(_ term: ReportedLogic.Term) -> Double { term == .base ? Double(lanes) : 0 }
    return Area(
      lut: profile.logic.count(.lut, .lane, strategy, clock, size) ?? 0, ff: profile.logic.count(.ff, .lane, strategy, clock, size) ?? 0)
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
    case .add: .add
    case .globalPool, .table, .concatenate, .split, .resize, .copy: nil
    }
  }
}

extension LayerSpec {
  /// How large a term is for this layer.
  fileprivate func size(_ term: ReportedLogic.Term, _ weights: WeightStatistics?) -> Double {
    let words = Double(dataBits) / 16
    switch term {
    case .base: return 1
    case .channel: return words * Double(channels)
    case .addressBit: return words * Double(channels * LatencyKernel.treeLevels(width))
    case .windowRow: return words * Double(channels * kernelHeight)
    case .input: return words * Double(windowInputs)
    case .multiplier, .tableMultiplier, .sharedProduct: return Double(multipliers)
    case .addition: return Double(weights.map { max(0, weightCount - $0.zeros - kernelOutputs) } ?? 0)
    case .twoDigit: return Double(weights?.twoDigit ?? 0)
    case .hardProduct: return Double(weights?.hardProducts ?? 0)
    case .pipelinedProduct: return reuse <= 1 ? Double(weights?.hardProducts ?? 0) : 0
    case .pipelinedInput: return reuse <= 1 ? words * Double(windowInputs) : 0
    case .output: return Double(kernelOutputs)
    case .weight: return Double(weightCount)
    case .border: return Double(max(0, padTop - 1))
    }
  }
}
