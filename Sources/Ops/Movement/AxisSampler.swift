/// Where every position of one axis of a resized tensor comes from.
struct AxisSampler {
  struct Tap {
    var index: Int
    var weight: Double
  }

  private let resize: Resize
  private let extent: Int
  private let result: Int
  private let scale: Double
  private let region: (Double, Double)

  init(_ resize: Resize, extent: Int, result: Int, scale: Double, region: (Double, Double)) {
    self.resize = resize
    self.extent = extent
    self.result = result
    self.scale = scale
    self.region = region
  }

  /// Nothing to resample along this axis.
  var isIdentity: Bool { scale == 1 && extent == result && resize.coordinates != .tensorFlowCrop }

  /// The element to copy for each position; −1 outside the region of interest.
  var nearest: [Int] {
    (0..<result).map { position in
      guard let x = source(position) else { return -1 }
      let floor = x.rounded(.down)
      let rounded: Double
      switch resize.rounding {
      case .floor: rounded = floor
      case .ceiling: rounded = x.rounded(.up)
      case .preferFloor: rounded = x - floor <= 0.5 ? floor : floor + 1
      case .preferCeiling: rounded = x - floor < 0.5 ? floor : floor + 1
      }
      return clamped(rounded)
    }
  }

  /// Elements and weights to sum for each position; nil outside the region of interest.
  var taps: [[Tap]?] {
    (0..<result).map { position in
      guard let x = source(position) else { return nil }
      // The left neighbour is strictly left of x, so that the ratio lies in (0, 1].
      let base = x.rounded(.up) - 1
      let (first, weights) = coefficients(x - base)
      var taps: [Tap] = []
      var sum = 0.0
      for (offset, weight) in weights.enumerated() {
        let index = base + Double(first + offset)
        if resize.excludesOutside, index < 0 || index > Double(extent - 1) { continue }
        taps.append(Tap(index: clamped(index), weight: weight))
        sum += weight
      }
      if resize.excludesOutside, sum != 0 { for index in taps.indices { taps[index].weight /= sum } }
      return taps
    }
  }

  private func clamped(_ index: Double) -> Int { index.isNaN ? 0 : Int(min(max(index, 0), Double(max(extent - 1, 0)))) }

  /// The position in x, in elements; nil outside the region of interest.
  private func source(_ position: Int) -> Double? {
    let x = Double(position)
    let width = Double(extent)
    let exact = scale * width
    switch resize.coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric: return width / 2 * (1 - Double(result) / exact) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return exact == 1 ? -0.5 : (x + 0.5) / scale - 0.5
    case .tensorFlowHalfPixel: return (x + 0.5) / scale
    case .alignCorners: return exact == 1 ? 0 : x * (width - 1) / (exact - 1)
    case .asymmetric: return x / scale
    case .tensorFlowCrop:
      let span = (region.1 - region.0) * (width - 1)
      let inside = (exact == 1 ? span / 2 : x * span / (exact - 1)) + region.0 * (width - 1)
      return inside < 0 || inside > width - 1 ? nil : inside
    }
  }

  /// Weights of consecutive elements, the first one `first` right of the left neighbour, for x at `ratio` behind it.
  private func coefficients(_ ratio: Double) -> (first: Int, weights: [Double]) {
    let narrowing = resize.antialias ? min(scale, 1) : 1
    let radius = resize.mode == .cubic ? 2.0 : 1.0
    let first = Int((-radius / narrowing).rounded(.down)) + 1
    let weights = (first..<2 - first).map { filter((Double($0) - ratio) * narrowing) }
    guard resize.antialias else { return (first, weights) }
    let sum = weights.reduce(0, +)
    return (first, weights.map { $0 / sum })
  }

  /// The filter at distance `x`: a triangle, or Keys' cubic with coefficient a.
  private func filter(_ x: Double) -> Double {
    let d = x.magnitude
    guard resize.mode == .cubic else { return max(1 - d, 0) }
    let a = Double(resize.cubic)
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
  }
}
