package import Basic
package import Hardware
internal import IR
package import Lowering

/// Forward convolutions: `n,c,h,w` input, `k` filters of `r` × `s`, pads and strides, `latency_us` in microseconds.
package struct ConvolutionMeasurements: MeasurementSchema {
  package let name = "gpu-convolution"
  package let requiredColumns = [
    "gpu", "dtype", "n", "c", "h", "w", "k", "r", "s", "pad_h", "pad_w", "stride_h", "stride_w", "latency_us",
  ]
  package let measuredColumn = "latency_us"

  package init() {}

  package func device(of row: MeasurementRow) -> String { String(row["gpu"]) }

  package let hasEventForm = true

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, .fast)
  }

  package func eventPredictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    try predictor(for: target, .event)
  }

  private func predictor(for target: TargetFile?, _ fidelity: RunRequest.Fidelity) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("rows of a GPU table name their gpu") }
    return ConvolutionRowPredictor(target: target.name, model: ContractionModel(try GPUDescription(target), fidelity: fidelity))
  }
}

private struct ConvolutionRowPredictor: RowPredictor {
  let target: String
  let model: ContractionModel

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let format = String(row["dtype"])
    let group = MeasurementGroup(target: target, format: format, operation: "conv")
    guard let measured = row.positive("latency_us") else { return .skipped(why: "latency_us is not a positive number", group: group) }
    guard let precision = GEMMPrecision(format) else { return .skipped(why: "unknown dtype '\(format)'", group: group) }
    guard let contraction = contraction(row, precision) else {
      return .skipped(why: "the columns do not describe a convolution, or one with more than 2^48 multiplications", group: group)
    }
    do throws(Failure) {
      // Benchmarks repeat one layer: its own operands are all that pass the L2 between two uses.
      let reuse = Double(contraction.lhs.bytes + contraction.rhs.bytes + contraction.output.bytes)
      let estimate = try model.estimate(contraction, reuseBytes: reuse)
      return .predicted(
        measured: measured, predicted: estimate.seconds * 1e6, group: group,
        note: ([estimate.choice] + estimate.notes).joined(separator: "; "))
    } catch {
      return .skipped(why: error.description, group: group)
    }
  }

  private func contraction(_ row: MeasurementRow, _ precision: GEMMPrecision) -> Contraction? {
    guard let images = row.extent("n"), let channels = row.extent("c"), let filters = row.extent("k"),
      let input = row.extents(["h", "w"]), let kernel = row.extents(["r", "s"]), let strides = row.extents(["stride_h", "stride_w"]),
      let padHeight = row.integer("pad_h"), let padWidth = row.integer("pad_w")
    else { return nil }
    let pads = [padHeight, padWidth]
    guard pads.allSatisfy({ (0...MeasurementRow.extentLimit).contains($0) }) else { return nil }
    let output = (0..<2).map { (axis: Int) -> Int in
      let span = input[axis] + 2 * pads[axis] - kernel[axis]
      return span / strides[axis] + 1
    }
    guard output.allSatisfy({ $0 > 0 }), let pixels = MeasurementRow.product([images] + output),
      let taps = MeasurementRow.product([channels] + kernel), MeasurementRow.product([pixels, filters, taps]) != nil,
      let stored = MeasurementRow.product([images, channels] + input)
    else { return nil }
    let geometry = Convolution(
      images: images, inputChannels: channels, outputChannels: filters, groups: 1, input: input, output: output,
      kernel: kernel, strides: strides, dilations: [1, 1], padsBegin: pads, padsEnd: pads)
    return Contraction(
      batch: 1, m: pixels, n: filters, k: taps,
      lhs: Operand(element: precision.activation, count: stored),
      rhs: Operand(element: precision.weight, count: filters * taps, isConstant: true),
      output: Operand(element: precision.output, count: pixels * filters), convolution: geometry)
  }
}
