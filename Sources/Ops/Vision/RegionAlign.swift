package import IR

/// Pools regions of interest on a regular grid of bilinear samples (RoiAlign).
///
/// Inputs: x [n, c, h, w], regions [r, 4] as x1, y1, x2, y2, image of each region [r]. Output: [r, c, oh, ow].
package struct RegionAlign: ONNXOperator {
  package static let name = "region-align"

  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable { case average = "avg", maximum = "max" }

  package var mode: Mode
  package var height: Int
  package var width: Int
  /// Samples per bin and axis; 0 means as many as the bin has pixels.
  package var samples: Int
  package var scale: Float
  /// Pixel centres lie at half coordinates.
  package var usesHalfPixels: Bool

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let regions = try context.tensor(1)
    guard x.rank == 4, regions.rank == 2 else { throw OperatorError("ranks-match", "an image [n, c, h, w] and regions [r, 4] are needed") }
    guard (1..<1 << 20).contains(height), (1..<1 << 20).contains(width), samples < 4096 else {
      throw OperatorError("window-positive", "the output size must be positive")
    }
    return [.tensor(TensorType(x.element, [regions.shape[0], x.shape[1], .constant(height), .constant(width)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let taps = max(1, samples * samples)
    return .reduction(
      Reduction(
        kind: mode == .average ? .mean : .maximum, rows: try operands.output().count, columns: 4 * taps,
        inputs: try operands.presentInputs(), outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: 2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let regions = try inputs.tensor(1)
    let images = try inputs.integers(2)
    let (values, corners) = (try x.doubles(), try regions.doubles())
    guard x.rank == 4, regions.rank == 2, regions.shape[1] == 4, images.count == regions.shape[0],
      images.allSatisfy({ $0 >= 0 && $0 < x.shape[0] })
    else { throw OperatorError("regions-fit", "the regions do not fit the images") }
    let channels = x.shape[1]
    var y: [Double] = []
    for region in 0..<images.count {
      let box = corners[(region * 4)..<(region * 4 + 4)].map { $0 * Double(scale) - (usesHalfPixels ? 0.5 : 0) }
      let cells = try cells(box, extents: (x.shape[2], x.shape[3]))
      for channel in 0..<channels {
        let start = (images[region] * channels + channel) * x.shape[2] * x.shape[3]
        for samples in cells { y.append(pool(samples, values, start)) }
      }
    }
    return [.tensor(Tensor(x.element, [images.count, channels, height, width], rounding: y))]
  }

  private func pool(_ samples: [[GridSampler.Tap]], _ values: [Double], _ start: Int) -> Double {
    switch mode {
    case .average:
      samples.reduce(0) { sum, taps in taps.reduce(sum) { $0 + $1.weight * values[start + $1.offset] } } / Double(max(1, samples.count))
    case .maximum:
      samples.map { taps in taps.map { $0.weight * values[start + $0.offset] }.max() ?? 0 }.max() ?? 0
    }
  }

  /// The samples of every output cell, each as weighted pixels.
  private func cells(_ box: [Double], extents: (h: Int, w: Int)) throws(OperatorError) -> [[[GridSampler.Tap]]] {
    var size = (h: box[3] - box[1], w: box[2] - box[0])
    if !usesHalfPixels { size = (max(size.h, 1), max(size.w, 1)) }
    let bin = (h: size.h / Double(height), w: size.w / Double(width))
    let grid = (
      h: samples > 0 ? samples : Int(bin.h.rounded(.up).clampedInt64), w: samples > 0 ? samples : Int(bin.w.rounded(.up).clampedInt64)
    )
    guard grid.h < 4096, grid.w < 4096 else { throw OperatorError("regions-fit", "a region spans too many samples") }
    var cells: [[[GridSampler.Tap]]] = []
    for row in 0..<height {
      for column in 0..<width {
        var samples: [[GridSampler.Tap]] = []
        for i in 0..<max(0, grid.h) {
          for j in 0..<max(0, grid.w) {
            let y = box[1] + Double(row) * bin.h + (Double(i) + 0.5) * bin.h / Double(grid.h)
            let x = box[0] + Double(column) * bin.w + (Double(j) + 0.5) * bin.w / Double(grid.w)
            samples.append(bilinear(y, x, extents))
          }
        }
        cells.append(samples)
      }
    }
    return cells
  }

  private func bilinear(_ y: Double, _ x: Double, _ extents: (h: Int, w: Int)) -> [GridSampler.Tap] {
    guard y >= -1, y <= Double(extents.h), x >= -1, x <= Double(extents.w) else { return [GridSampler.Tap(offset: 0, weight: 0)] }
    func axis(_ value: Double, _ extent: Int) -> (low: Int, high: Int, t: Double) {
      let v = max(value, 0)
      return Int(v) >= extent - 1 ? (extent - 1, extent - 1, 0) : (Int(v), Int(v) + 1, v - v.rounded(.down))
    }
    let (r, c) = (axis(y, extents.h), axis(x, extents.w))
    return [
      GridSampler.Tap(offset: r.low * extents.w + c.low, weight: (1 - r.t) * (1 - c.t)),
      GridSampler.Tap(offset: r.low * extents.w + c.high, weight: (1 - r.t) * c.t),
      GridSampler.Tap(offset: r.high * extents.w + c.low, weight: r.t * (1 - c.t)),
      GridSampler.Tap(offset: r.high * extents.w + c.high, weight: r.t * c.t),
    ]
  }

  package static var onnxNames: [ONNXName] { ["RoiAlign"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RegionAlign {
    guard let mode = Mode(rawValue: try node.string("mode") ?? "avg") else {
      throw OperatorError("mode-known", "the mode must be avg or max")
    }
    // Opset 10 had no half-pixel shift.
    let transformation = try node.string("coordinate_transformation_mode") ?? (node.opset >= 16 ? "half_pixel" : "output_half_pixel")
    return RegionAlign(
      mode: mode, height: try node.integer("output_height") ?? 1, width: try node.integer("output_width") ?? 1,
      samples: try node.integer("sampling_ratio") ?? 0, scale: try node.float("spatial_scale") ?? 1,
      usesHalfPixels: transformation == "half_pixel")
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "RoiAlign",
      [
        ("mode", .string(mode.rawValue)), ("output_height", .integer(height)), ("output_width", .integer(width)),
        ("sampling_ratio", .integer(samples)), ("spatial_scale", .float(scale)),
        ("coordinate_transformation_mode", .string(usesHalfPixels ? "half_pixel" : "output_half_pixel")),
      ])
  }
}
