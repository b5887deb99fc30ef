internal import IR
internal import Lowering

extension Residency {
  /// Runs neighbouring layers depth first where the feature map between them does not fit: of it only the rows that the
  /// reader's window covers, and those its next step needs, are held. Returns what still has no place.
  ///
  /// Stripes of several layers are then alive together, with all their weights, so that nothing is fetched twice. A cascade
  /// grows layer by layer as long as that fits.
  mutating func addCascades(_ kernels: [Kernel], placed: [Interval], homeless: [Interval], capacity: Int) -> [Interval] {
    var left = homeless
    var cascade: (range: ClosedRange<Int>, extra: Int)?
    let byProducer = Dictionary(homeless.map { ($0.first, $0) }, uniquingKeysWith: { a, _ in a })
    for (index, kernel) in kernels.enumerated() {
      guard let interval = byProducer[index], interval.uses == 2, interval.last == index + 1, isInterior(interval.id),
        kernel.anchorComputation.worksRowByRow, let rows = kernels[index + 1].anchorComputation.rowsInUse(of: interval.bytes)
      else {
        cascade = nil
        continue
      }
      let joins = cascade.map { $0.range.upperBound == index } == true
      let start = joins ? cascade?.range.lowerBound ?? index : index
      let weights = kernels[index + 1].weightBytes + (joins ? 0 : kernel.weightBytes)
      let extra = (joins ? cascade?.extra ?? 0 : 0) + rows + weights
      let range = start...(index + 1)
      // Inputs of the first layer and outputs of the last live through the whole cascade.
      let whole = placed.reduce(0) { $0 + ($1.first <= range.upperBound && $1.last >= range.lowerBound ? $1.bytes : 0) }
      guard whole + extra <= capacity else {
        cascade = nil
        continue
      }
      near.insert(interval.id)
      rolling.insert(interval.id)
      for layer in range { live[layer] = max(live[layer], whole + extra) }
      left.removeAll { $0.id == interval.id }
      cascade = (range, extra)
    }
    return left
  }
}

extension Computation {
  /// Makes its output row after row.
  fileprivate var worksRowByRow: Bool {
    switch self {
    case .contraction(let c): c.convolution.map { $0.images == 1 && $0.kernel.count == 2 && !$0.isTransposed } ?? false
    case .reduction(let r): r.window.map { $0.images == 1 && $0.kernel.count == 2 } ?? false
    case .pointwise: true
    case .attention, .movement, .loop, .opaque: false
    }
  }

  /// Bytes of the input rows that a window and its next step cover, of `bytes` in all; nil when rows do not pass through.
  fileprivate func rowsInUse(of bytes: Int) -> Int? {
    let window: Convolution
    switch self {
    case .contraction(let c):
      guard let convolution = c.convolution, worksRowByRow else { return nil }
      window = convolution
    case .reduction(let r):
      guard let pooling = r.window, worksRowByRow else { return nil }
      window = pooling
    case .pointwise, .attention, .movement, .loop, .opaque: return nil
    }
    let reach = (window.kernel[0] - 1) * window.dilations[0] + 1
    let height = max(1, window.input[0])
    let rows = min(height, reach + window.strides[0])
    return (bytes * rows + height - 1) / height
  }
}
