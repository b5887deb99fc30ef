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
    guard let measured = row.number("latency_us"), let contraction = contraction(row, GEMMPrecision(format)) else {
      return .skipped(why: "the columns do not describe a convolution in a known format", group: group)
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

  private func contraction(_ row: MeasurementRow, _ precision: GEMMPrecision?) -> Contraction? {
    let names = ["n", "c", "h", "w", "k", "r", "s", "pad_h", "pad_w", "stride_h", "stride_w"]
    let values = names.compactMap { row.integer($0) }
    guard let precision, values.count == names.count, values[..<7].allSatisfy({ $0 > 0 && $0 < 1 << 24 }),
      values[7] >= 0, values[8] >= 0, values[9] > 0, values[10] > 0
    else { return nil }
    let (images, channels, filters) = (values[0], values[1], values[4])
    let input = [values[2], values[3]]
    let kernel = [values[5], values[6]]
    let pads = [values[7], values[8]]
    let strides = [values[9], values[10]]
    let output = (0..<2).map { (axis: Int) -> Int in
      let span = input[axis] + 2 * pads[axis] - kernel[axis]
      return span / strides[axis] + 1
    }
    guard output.allSatisfy({ $0 > 0 }) else { return nil }
    let geometry = Convolution(
      images: images, inputChannels: channels, outputChannels: filters, groups: 1, input: input, output: output,
      kernel: kernel, strides: strides, dilations: [1, 1], padsBegin: pads, padsEnd: pads)
    let pixels = images * output[0] * output[1]
    let taps = channels * kernel[0] * kernel[1]
    return Contraction(
      batch: 1, m: pixels, n: filters, k: taps,
      lhs: Operand(element: precision.activation, count: images * channels * input[0] * input[1]),
      rhs: Operand(element: precision.weight, count: filters * taps, isConstant: true),
      output: Operand(element: precision.output, count: pixels * filters), convolution: geometry)
  }
}
