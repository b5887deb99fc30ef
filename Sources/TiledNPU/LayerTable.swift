package import Basic
package import Hardware
package import Lowering

/// Rows of one layer each: `case,config,layer,op,params,cycles,…`.
///
/// A row whose `config` spells an array (`array=16x16;df=ws`) and whose `params` spell a product (`M=…;N=…;K=…`) or a
/// convolution is predicted from itself, without a target file. Other rows name a network whose layers are not in the
/// table: whoever has the models predicts them, here they are counted as skipped and named.
package struct LayerTable: MeasurementSchema {
  package init() {}

  package var name: String { "npu-layers" }
  package var requiredColumns: [String] { ["case", "config", "layer", "op", "params", "cycles"] }
  package var measuredColumn: String { "cycles" }

  package func device(of row: MeasurementRow) -> String {
    LayerRow.settings(row["config"])["array"] == nil ? String(row["config"]) : ""
  }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor { LayerRow() }
}

private struct LayerRow: RowPredictor {
  /// `a=1;b=2` as a dictionary with lower-case keys.
  static func settings(_ text: Substring) -> [String: String] {
    var result: [String: String] = [:]
    for part in text.split(whereSeparator: { $0 == ";" || $0 == " " }) {
      guard let equals = part.firstIndex(of: "=") else { continue }
      result[part[..<equals].lowercased()] = String(part[part.index(after: equals)...])
    }
    return result
  }

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let config = Self.settings(row["config"])
    guard let size = config["array"] else {
      let group = MeasurementGroup(target: String(row["config"]), format: "i8", operation: String(row["op"]))
      return .skipped(why: "the row names the network '\(row["case"])' and not its shapes: predict the model itself", group: group)
    }
    let dataflow = config["df"].flatMap { SystolicArray.Dataflow(rawValue: $0.lowercased()) }
    let group = MeasurementGroup(target: "array \(size) \(config["df"] ?? "")", format: "i8", operation: String(row["op"]))
    let sides = size.lowercased().split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2, sides.allSatisfy((1...MeasurementRow.extentLimit).contains), let dataflow else {
      return .skipped(why: "config '\(row["config"])' spells no array and dataflow", group: group)
    }
    guard let measured = row.positive("cycles") else { return .skipped(why: "cycles is not a positive number", group: group) }
    guard let shape = Self.shape(Self.settings(row["params"])), Self.isWithinLimits(shape)
    else {
      return .skipped(
        why: "params '\(row["params"])' spell neither a product nor a convolution of at most 2^48 multiplications", group: group)
    }
    let array = SystolicArray(rows: sides[0], columns: sides[1], dataflow: dataflow)
    let note = config["bw_mode"].map { $0 == "CALC" ? "" : "stall-free cycles, without the bandwidth limit" } ?? ""
    return .predicted(measured: measured, predicted: Double(array.cost(of: shape).cycles), group: group, note: note)
  }

  private static func isWithinLimits(_ shape: LayerShape) -> Bool {
    let output = [shape.outputHeight, shape.outputWidth, shape.outputChannels]
    let window = [shape.kernelHeight, shape.kernelWidth, shape.inputChannels]
    let others = [shape.inputHeight, shape.inputWidth, shape.strideHeight, shape.strideWidth]
    return (output + window + others).allSatisfy { $0 <= MeasurementRow.extentLimit } && MeasurementRow.product(output + window) != nil
  }

  private static func shape(_ params: [String: String]) -> LayerShape? {
    // An extent that no layer has must not be taken as one that is not given; it stays small enough to count with.
    func value(_ names: String...) -> Int? {
      for name in names {
        if let text = params[name], let number = Int(text), number > 0 { return min(number, MeasurementRow.extentLimit + 1) }
      }
      return nil
    }
    if let m = value("m"), let n = value("n"), let k = value("k") { return .matrixProduct(rows: m, columns: n, depth: k) }
    guard let height = value("ih", "h", "ifmap_h", "ifmap_height", "in_h"), let width = value("iw", "w", "ifmap_w", "ifmap_width", "in_w"),
      let taps = value("kh", "fh", "r", "filter_h", "filter_height", "k"), let channels = value("cin", "c", "ic", "ci", "channels"),
      let filters = value("cout", "n", "oc", "co", "f", "m", "num_filter", "num_filters", "filters")
    else { return nil }
    let tapsAcross = value("kw", "fw", "filter_w", "filter_width") ?? taps
    let strideDown = value("sh", "stride_h", "stride", "strides", "s") ?? 1
    let strideAcross = value("sw", "stride_w") ?? strideDown
    // Outputs as SCALE-Sim counts them, without padding: the last window may reach over the edge.
    let rows = value("oh", "ofmap_h") ?? ceilDivide(height - taps + strideDown, strideDown)
    let columns = value("ow", "ofmap_w") ?? ceilDivide(width - tapsAcross + strideAcross, strideAcross)
    guard rows > 0, columns > 0 else { return nil }
    return LayerShape(
      input: (height, width, channels), output: (rows, columns, filters), kernel: (taps, tapsAcross),
      stride: (strideDown, strideAcross))
  }
}
