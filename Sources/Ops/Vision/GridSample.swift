package import IR

/// Samples an image at positions given by a grid of normalised coordinates in −1…1.
///
/// Inputs: x [n, c, spatial…], grid [n, out spatial…, axes] (last axis first). Output: [n, c, out spatial…].
package struct GridSample: ONNXOperator {
  package static let name = "grid-sample"

  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable { case nearest, linear, cubic }
  package enum Padding: String, Codable, Sendable, Hashable, CaseIterable { case zeros, border, reflection }

  package var mode: Mode
  package var padding: Padding
  /// −1 and 1 are the centres of the outermost pixels, not their edges.
  package var alignsCorners: Bool

  package init(_ mode: Mode = .linear, padding: Padding = .zeros, alignsCorners: Bool = false) {
    self.mode = mode
    self.padding = padding
    self.alignsCorners = alignsCorners
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let grid = try context.tensor(1)
    guard x.rank >= 3, grid.rank == x.rank else {
      throw OperatorError("ranks-match", "image \(x.shape.text) and grid \(grid.shape.text) must have one rank of at least 3")
    }
    if let axes = grid.shape.last?.constant, axes != x.rank - 2 {
      throw OperatorError("grid-axes", "a grid of \(axes) coordinates does not fit \(x.rank - 2) spatial axes")
    }
    return [.tensor(TensorType(x.element, Array(x.shape[..<2]) + grid.shape[1..<(grid.rank - 1)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .movement(
      Movement(
        kind: .resize, inputs: try operands.presentInputs(), outputs: try operands.allOutputs(),
        elementsRead: try operands.input(0).count))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let grid = try inputs.tensor(1)
    guard let shape = try shapes(inputs).first else { throw OperatorError("missing-output", "no shape") }
    let extents = Array(x.shape[2...])
    let sampler = GridSampler(extents: extents, mode: mode, padding: padding, alignsCorners: alignsCorners)
    let (values, coordinates) = (try x.doubles(), try grid.doubles())
    let (inPlane, outPlane) = (extents.reduce(1, *), shape[2...].reduce(1, *))
    guard inPlane > 0 || outPlane == 0 else { throw OperatorError("non-empty", "an empty image cannot be sampled") }
    var y = [Double](repeating: 0, count: shape.reduce(1, *))
    for image in 0..<shape[0] {
      for position in 0..<outPlane {
        let start = (image * outPlane + position) * extents.count
        let taps = sampler.taps(at: Array(coordinates[start..<(start + extents.count)].reversed()))
        for channel in 0..<shape[1] {
          let plane = image * shape[1] + channel
          y[plane * outPlane + position] = taps.reduce(0) { $0 + $1.weight * values[plane * inPlane + $1.offset] }
        }
      }
    }
    return [.tensor(Tensor(x.element, shape, rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["GridSample", ONNXName(domain: "com.microsoft", "GridSample")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GridSample {
    // Opset 16 said bilinear and bicubic.
    let spelled = try node.string("mode") ?? "linear"
    guard let mode = Mode(rawValue: spelled.hasPrefix("bi") ? String(spelled.dropFirst(2)) : spelled),
      let padding = Padding(rawValue: try node.string("padding_mode") ?? "zeros")
    else { throw OperatorError("mode-known", "unknown mode '\(spelled)' or padding") }
    return GridSample(mode, padding: padding, alignsCorners: try node.integer("align_corners") ?? 0 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(
      "GridSample",
      [
        ("mode", .string(mode.rawValue)), ("padding_mode", .string(padding.rawValue)),
        ("align_corners", .integer(alignsCorners ? 1 : 0)),
      ])
  }
}
