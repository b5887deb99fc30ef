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

  /// Parameters of every placed value; values of one class get the same.
  ///
  /// - Parameter means: filled in the same run.
  func parameters(_ batches: [[Datum?]], _ means: ChannelMeans? = nil) throws(Failure) -> [ValueID: QuantizationParameters] {
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
    return found
  }

  private func observe(_ batches: [[Datum?]], _ means: ChannelMeans?) throws(Failure) -> [ValueID: ObservedRange] {
    let formats = placement.values.filter { $0.format.scheme.hasScale && !$0.format.scheme.isDynamic }
    let wanted = Set(formats.map(\.value))
    let counted = formats.filter { $0.format.calibrator.needsHistogram }
    let box = ObservationBox(counted: Set(counted.map { placement.representative($0.value) }))
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
}

/// What the evaluator's callback fills.
private final class ObservationBox {
  private(set) var ranges: [ValueID: ObservedRange] = [:]
  private(set) var notFinite: ValueID?
  private let counted: Set<ValueID>

  /// - Parameter counted: values whose whole distribution matters.
  init(counted: Set<ValueID>) { self.counted = counted }

  func add(_ tensor: Tensor, to value: ValueID) {
    guard case .float32(let values) = tensor.elements else { return }
    if !ranges[value, default: ObservedRange(counts: counted.contains(value))].add(values) { notFinite = notFinite ?? value }
  }
}
