package import IR

/// A tensor resampled along its axes: nearest element, linear or cubic interpolation.
///
/// Inputs: x, optional region of interest, optional scales, optional extents of the result (one of the two is given).
package struct Resize: ONNXOperator {
  package static let name = "resize"

  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable { case nearest, linear, cubic }

  /// How a position in the result is carried back to x.
  package enum Coordinates: String, Codable, Sendable, Hashable, CaseIterable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case tensorFlowHalfPixel = "tf_half_pixel_for_nn"
    case alignCorners = "align_corners"
    case asymmetric
    case tensorFlowCrop = "tf_crop_and_resize"
  }

  package enum Rounding: String, Codable, Sendable, Hashable, CaseIterable {
    case preferFloor = "round_prefer_floor"
    case preferCeiling = "round_prefer_ceil"
    case floor
    case ceiling = "ceil"
  }

  package enum AspectRatio: String, Codable, Sendable, Hashable, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  package var mode: Mode
  package var coordinates: Coordinates
  package var rounding: Rounding
  package var aspectRatio: AspectRatio
  /// Widens the filter when the result is smaller.
  package var antialias: Bool
  /// Weights of elements beyond the edges are left out instead of repeating the edge.
  package var excludesOutside: Bool
  /// Coefficient of the cubic filter.
  package var cubic: Float
  /// Value of positions outside the region of interest.
  package var extrapolation: Float
  /// Axes that region, scales and extents speak of; nil: all.
  package var axes: [Int]?

  package init(
    _ mode: Mode = .nearest, coordinates: Coordinates = .halfPixel, rounding: Rounding = .preferFloor,
    axes: [Int]? = nil
  ) {
    self.mode = mode
    self.coordinates = coordinates
    self.rounding = rounding
    self.axes = axes
    aspectRatio = .stretch
    antialias = false
    excludesOutside = false
    cubic = -0.75
    extrapolation = 0
  }

  private func axes(rank: Int) throws(OperatorError) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes { result.append(try resolveAxis(axis, rank: rank)) }
    return result
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let axes = try axes(rank: x.rank)
    var shape = x.shape
    for axis in axes { shape[axis] = context.freshDimension("axis\(axis)") }
    let usesExtents = context.hasInput(3) && (context.type(3)?.tensor?.shape != [0])
    if usesExtents, let extents = context.known(3) {
      try check(extents.count, axes)
      for (index, axis) in axes.enumerated() { shape[axis] = extents[index] }
      if aspectRatio != .stretch {
        let numbers = axes.compactMap { x.shape[$0].constant }
        if let wanted = context.knownIntegers(3), numbers.count == axes.count {
          for (axis, extent) in zip(axes, keepingRatio(wanted, of: numbers).extents) { shape[axis] = .constant(extent) }
        } else {
          for axis in axes { shape[axis] = context.freshDimension("axis\(axis)") }
        }
      }
    } else if !usesExtents, context.hasInput(2), let scales = context.knownNumbers(2) {
      try check(scales.count, axes)
      for (index, axis) in axes.enumerated() {
        shape[axis] = Resize.scaled(x.shape[axis], by: scales[index]) ?? context.freshDimension("axis\(axis)")
      }
    }
    guard shape.allSatisfy({ ($0.constant ?? 0) >= 0 }) else {
      throw OperatorError("extents-positive", "the extents \(shape.text) are not a shape")
    }
    return [.tensor(TensorType(x.element, shape))]
  }

  private func check(_ count: Int, _ axes: [Int]) throws(OperatorError) {
    guard count == axes.count else {
      throw OperatorError("scales-fit", "\(count) scales or extents for \(axes.count) axes")
    }
  }

  /// ⌊extent · scale⌋, symbolic for whole numbers and their inverses.
  private static func scaled(_ extent: Dimension, by scale: Double) -> Dimension? {
    if let number = extent.constant {
      let result = (Double(number) * scale).rounded(.down)
      return result.isFinite && result.magnitude < 0x1p50 ? .constant(Int(result)) : nil
    }
    guard scale > 0, scale < 0x1p20, 1 / scale < 0x1p20 else { return nil }
    if scale == scale.rounded() { return extent * .constant(Int(scale)) }
    let inverse = 1 / scale
    return inverse == inverse.rounded() ? extent.floorDivided(by: .constant(Int(inverse))) : nil
  }

  /// One scale for all axes, so that the result fits in (or covers) the wanted extents.
  fileprivate func keepingRatio(_ wanted: [Int], of extents: [Int]) -> (extents: [Int], scale: Double) {
    let scales = zip(wanted, extents).map { Double($0) / Double(max($1, 1)) }
    let scale = (aspectRatio == .notLarger ? scales.min() : scales.max()) ?? 1
    return (extents.map { Int(min((scale * Double($0) + 0.5).rounded(.down), 0x1p50)) }, scale)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let (x, y) = (try operands.input(0), try operands.output())
    guard mode != .nearest else { return .movement(Movement(kind: .resize, inputs: [x], outputs: [y])) }
    let before = try operands.shape(ofInput: 0)
    let scaled = zip(before, try operands.shape(ofOutput: 0)).count { $0 != $1 }
    // Interpolation is separable: a multiplication and an addition per tap and resampled axis.
    let taps = mode == .linear ? 2 : 4
    return .pointwise(
      Pointwise(
        function: "resize-\(mode.rawValue)", count: y.count, inputs: [x], outputs: [y],
        costPerElement: ArithmeticCost(simple: 2 * taps * max(scaled, 1))))
  }

  /// Axes that stay whole.
  package func axisTies(_ operands: OperandTypes) -> [AxisTie] { operands.untouchedTies() }

  package var storedForm: StoredForm? { .rescaled }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    let axes = try axes(rank: x.rank)
    guard x.count > 0 || shape.contains(0) else {
      throw OperatorError("elements-expected", "an empty tensor cannot be resized")
    }
    var samplers: [(axis: Int, sampler: AxisSampler)] = []
    let region = try inputs.optionalTensor(1)?.doubles() ?? []
    let wanted = try inputs.optionalIntegers(3) ?? []
    let scales = wanted.isEmpty ? try inputs.optionalTensor(2)?.doubles() ?? [] : []
    for (index, axis) in axes.enumerated() {
      var scale = index < scales.count ? scales[index] : Double(shape[axis]) / Double(max(x.shape[axis], 1))
      if aspectRatio != .stretch, wanted.count == axes.count {
        scale = keepingRatio(wanted, of: axes.map { x.shape[$0] }).scale
      }
      var part: (Double, Double) = (0, 1)
      if coordinates == .tensorFlowCrop, region.count == 2 * axes.count {
        part = (region[index], region[index + axes.count])
      }
      let sampler = AxisSampler(self, extent: x.shape[axis], result: shape[axis], scale: scale, region: part)
      if !sampler.isIdentity { samplers.append((axis, sampler)) }
    }
    return [.tensor(mode == .nearest ? try pick(x, shape, samplers) : try interpolate(x, shape, samplers))]
  }

  private func pick(_ x: Tensor, _ shape: [Int], _ samplers: [(axis: Int, sampler: AxisSampler)]) throws(OperatorError)
    -> Tensor
  {
    var positions = x.shape.map { Array(0..<$0) }
    for (axis, sampler) in samplers { positions[axis] = sampler.nearest }
    let rule = FilledSelection(Pad.offsets(positions, strides: x.shape.rowMajorStrides))
    let outside = Tensor(x.element, [], rounding: [Double(extrapolation)])
    return Tensor(x.element, shape, try x.elements.merged(outside.elements, rule))
  }

  private func interpolate(_ x: Tensor, _ shape: [Int], _ samplers: [(axis: Int, sampler: AxisSampler)])
    throws(OperatorError) -> Tensor
  {
    var values = try x.doubles()
    var extents = x.shape
    for (axis, sampler) in samplers {
      let block = extents[(axis + 1)...].reduce(1, *)
      let outer = extents[..<axis].reduce(1, *)
      var result = [Double](repeating: 0, count: outer * shape[axis] * block)
      for row in 0..<outer {
        for position in 0..<shape[axis] {
          let target = (row * shape[axis] + position) * block
          guard let taps = sampler.taps[position] else {
            for offset in 0..<block { result[target + offset] = Double(extrapolation) }
            continue
          }
          for tap in taps where tap.weight != 0 {
            let source = (row * extents[axis] + tap.index) * block
            for offset in 0..<block { result[target + offset] += tap.weight * values[source + offset] }
          }
        }
      }
      values = result
      extents[axis] = shape[axis]
    }
    return Tensor(x.element, shape, truncating: values)
  }
}
