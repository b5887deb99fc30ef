package import IR

/// Fourier transforms of windows that slide over a signal.
///
/// Inputs: signal [b, n] or [b, n, 1 or 2], step, optional window [w], optional frame length. Output: [b, frames, bins, 2].
package struct ShortTimeFourierTransform: ONNXOperator {
  package static let name = "fourier-transform-short-time"

  package var isOneSided: Bool

  package init(isOneSided: Bool = true) { self.isOneSided = isOneSided }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank == 2 || x.rank == 3 else { throw OperatorError("ranks-match", "a signal is [b, n] or [b, n, parts], not \(x.shape.text)") }
    let window = try context.optionalTensor(2)?.shape.first
    let frame = context.known(3)?.first ?? (context.hasInput(3) ? nil : window)
    let bins = frame.map { isOneSided ? $0.floorDivided(by: 2) + 1 : $0 } ?? context.freshDimension("bins")
    var frames = context.freshDimension("frames")
    if let frame, let step = context.known(1)?.first { frames = (x.shape[1] - frame).floorDivided(by: step) + 1 }
    return [.tensor(TensorType(x.element, [x.shape[0], frames, bins, 2]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let shape = try operands.shape(ofOutput: 0)
    let length = isOneSided ? max(1, (shape[2] - 1) * 2) : shape[2]
    return .reduction(
      Reduction(
        kind: .sum, rows: shape[0] * shape[1], columns: length, inputs: try operands.presentInputs(),
        outputs: try operands.allOutputs(), costPerElement: ArithmeticCost(simple: 1 + FourierTransform.cost(length))))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let window = try inputs.optionalTensor(2)?.doubles()
    guard let step = try inputs.integers(1).first, step > 0, let frame = try inputs.optionalIntegers(3)?.first ?? window?.count,
      frame > 0, x.rank == 2 || x.rank == 3, frame <= x.shape[1], window == nil || (window?.count ?? 0) <= frame
    else { throw OperatorError("frame-fits", "step and frame length must be positive and fit the signal") }
    let parts = x.rank == 3 ? x.shape[2] : 1
    let frames = (x.shape[1] - frame) / step + 1
    let bins = isOneSided ? frame / 2 + 1 : frame
    let values = try x.doubles()
    let transform = FourierTransform(length: frame, isInverse: false)
    // A window shorter than the frame stands in its middle.
    let lead = window.map { (frame - $0.count) / 2 } ?? 0
    func weight(_ index: Int) -> Double {
      guard let window else { return 1 }
      return index >= lead && index - lead < window.count ? window[index - lead] : 0
    }
    var y = [Double](repeating: 0, count: x.shape[0] * frames * bins * 2)
    for image in 0..<x.shape[0] {
      for position in 0..<frames {
        func part(_ part: Int) -> [Double] {
          (0..<frame).map { part < parts ? values[(image * x.shape[1] + position * step + $0) * parts + part] * weight($0) : 0 }
        }
        let line = transform(part(0), part(1))
        for bin in 0..<bins {
          let target = ((image * frames + position) * bins + bin) * 2
          y[target] = line.real[bin]
          y[target + 1] = line.imaginary[bin]
        }
      }
    }
    return [.tensor(Tensor(x.element, [x.shape[0], frames, bins, 2], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["STFT"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ShortTimeFourierTransform {
    ShortTimeFourierTransform(isOneSided: try node.integer("onesided") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("STFT", [("onesided", .integer(isOneSided ? 1 : 0))]) }
}
