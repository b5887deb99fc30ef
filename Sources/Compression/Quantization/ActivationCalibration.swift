internal import Basic
internal import IR

/// Observes the values to quantise on calibration data and chooses their scales.
struct ActivationCalibration {
  private let graph: Graph
  private let placement: QuantizationPlacement
  private let context: CompressionContext

  init(_ graph: Graph, _ placement: QuantizationPlacement, _ context: CompressionContext) {
    self.graph = graph
    self.placement = placement
    self.context = context
  }

  /// What was chosen: parameters of every placed value, and the share of the outputs' noise that gave some of them more bits.
  struct Outcome {
    var parameters: [ValueID: QuantizationParameters] = [:]
    var noiseShares: [ValueID: Double] = [:]
  }

  /// Values of one class get the same parameters.
  ///
  /// - Parameter means: filled in the same run.
  func run(_ batches: [[Datum?]], _ means: ChannelMeans? = nil) throws(Failure) -> Outcome {
    let isObserved = means != nil || placement.values.contains { $0.format.scheme.hasScale && !$0.format.scheme.isDynamic }
    let observed = isObserved ? try observe(batches, means) : [:]
    var found: [ValueID: QuantizationParameters] = [:]
    for (value, format) in placement.values {
      let shared = placement.representative(value)
      if let known = found[shared] {
        found[value] = known
        continue
      }
      guard format.scheme.hasScale, !format.scheme.isDynamic else {
        found[value] = QuantizationParameters(format.scheme, scales: [1], zeros: [0])
        continue
      }
      guard let range = observed[shared]?.range(format.calibrator, format.scheme, percentile: format.percentile) else { continue }
      let (scale, zero) = QuantizationParameters.covering(range.low, range.high, format.scheme)
      found[value] = QuantizationParameters(format.scheme, scales: [scale], zeros: [zero])
      found[shared] = found[value]
    }
    var outcome = Outcome(parameters: found)
    try widen(&outcome, observed, batches)
    return outcome
  }

  /// Values whose rounding the outputs feel most get more bits, over all that was seen.
  private func widen(_ outcome: inout Outcome, _ observed: [ValueID: ObservedRange], _ batches: [[Datum?]]) throws(Failure) {
    for wish in Set(placement.values.compactMap(\.format.sensitive)).sorted(by: { $0.order < $1.order }) {
      try widen(&outcome, wish, observed, batches)
    }
  }

  /// The values of one wish compete with each other.
  private func widen(
    _ outcome: inout Outcome, _ wish: SensitiveActivations, _ observed: [ValueID: ObservedRange], _ batches: [[Datum?]]
  ) throws(Failure) {
    let asked = placement.values.filter { $0.format.sensitive == wish }
    let values = asked.compactMap { item in outcome.parameters[item.value].map { (value: item.value, parameters: $0) } }
    let few = batches.prefix((wish.samples + context.batch - 1) / context.batch)
    let noise = try ActivationSensitivity(graph, values).noise(Array(few)) { context.progress("sensitivity", $0) }
    var classes: [ValueID: Double] = [:]
    for (value, part) in noise { classes[placement.representative(value), default: 0] += part }
    let total = max(classes.values.reduce(0, +), 1e-300)
    let chosen = Set(ActivationSensitivity.loudest(classes, share: wish.noise))
    for (value, format) in asked {
      let shared = placement.representative(value)
      guard chosen.contains(shared), let range = observed[shared]?.range(.minmax, format.scheme) else { continue }
      var scheme = format.scheme
      scheme.bits = wish.bits
      scheme.storage = scheme.storage.isUnsignedInteger ? .uint16 : .int16
      let (scale, zero) = QuantizationParameters.covering(range.low, range.high, scheme)
      outcome.parameters[value] = QuantizationParameters(scheme, scales: [scale], zeros: [zero])
      outcome.noiseShares[value] = (classes[shared] ?? 0) / total
    }
  }

  private func observe(_ batches: [[Datum?]], _ means: ChannelMeans?) throws(Failure) -> [ValueID: ObservedRange] {
    let formats = placement.values.filter { $0.format.scheme.hasScale && !$0.format.scheme.isDynamic }
    let wanted = Set(formats.map(\.value))
    let counted = formats.filter { $0.format.calibrator.needsHistogram }
    let box = ObservationBox(counted: Set(counted.map { placement.representative($0.value) }), limits: limits(of: formats.map(\.value)))
    let prepared = try context.runner.prepare(graph)
    for (index, batch) in batches.enumerated() {
      for (input, datum) in zip(graph.inputs, batch) where wanted.contains(input) {
        if let tensor = datum?.tensor { box.add(tensor, to: placement.representative(input)) }
      }
      _ = try prepared.run(batch) { value, tensor in
        means?.add(tensor, of: value)
        if wanted.contains(value) { box.add(tensor, to: placement.representative(value)) }
      }
      context.progress("calibrate", Double(index + 1) / Double(batches.count))
    }
    if let bad = box.notFinite { throw Failure("the value '\(graph[bad].name)' is not finite on calibration data") }
    return box.ranges
  }

  /// What readers tell apart, by class of values with one scale; absent where that is everything.
  private func limits(of values: [ValueID]) -> [ValueID: ClosedRange<Float>] {
    let facts = GraphFacts(graph)
    var found: [ValueID: ClosedRange<Double>] = [:]
    for value in values {
      let (range, shared) = (facts.distinguishedRange(of: value), placement.representative(value))
      let known = found[shared] ?? range
      found[shared] = min(known.lowerBound, range.lowerBound)...max(known.upperBound, range.upperBound)
    }
    return found.filter { $1.lowerBound.isFinite || $1.upperBound.isFinite }.mapValues { Float($0.lowerBound)...Float($0.upperBound) }
  }
}

/// What the evaluator's callback fills.
private final class ObservationBox {
  private(set) var ranges: [ValueID: ObservedRange] = [:]
  private(set) var notFinite: ValueID?
  private let counted: Set<ValueID>
  private let limits: [ValueID: ClosedRange<Float>]

  /// - Parameters:
  ///   - counted: values whose whole distribution matters.
  ///   - limits: ranges beyond which numbers count as their ends.
  init(counted: Set<ValueID>, limits: [ValueID: ClosedRange<Float>]) { (self.counted, self.limits) = (counted, limits) }

  func add(_ tensor: Tensor, to value: ValueID) {
    guard case .float32(var values) = tensor.elements else { return }
    if let range = limits[value] {
      // A number that is none stays one: it is reported below.
      for index in values.indices {
        values[index] = values[index] < range.lowerBound ? range.lowerBound : min(values[index], range.upperBound)
      }
    }
    if !ranges[value, default: ObservedRange(counts: counted.contains(value))].add(values) { notFinite = notFinite ?? value }
  }
}
