internal import Lowering

/// One row of a synthesis report table, with the `key=value;…` cell taken apart.
struct ReportRow: Sendable {
  var line: Int
  var name: String
  /// Everything before the last `/`: the design a layer belongs to, and the layer's own name.
  var design: String
  var layer: String
  var tool: String
  var stage: String
  var part: String
  var clock: Double
  var kind: String
  var parameters: [String: String]
  var precision: String
  var reuse: Int?
  var strategy: Strategy
  var transfer: Transfer

  init(_ row: MeasurementRow) {
    line = row.line
    let text = String(row["case"])
    let slash = text.lastIndex(of: "/")
    name = text
    design = slash.map { String(text[..<$0]) } ?? text
    layer = slash.map { String(text[text.index(after: $0)...]) } ?? text
    tool = String(row["tool"])
    stage = String(row["stage"])
    part = String(row["part"])
    clock = row.number("clock_mhz") ?? 0
    kind = String(row["layer_type"])
    var parameters: [String: String] = [:]
    for pair in row["params"].split(separator: ";") {
      guard let equals = pair.firstIndex(of: "=") else { continue }
      parameters[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
    }
    self.parameters = parameters
    precision = String(row["precision"])
    reuse = row.extent("reuse_factor")
    strategy = row["strategy"].lowercased() == "latency" ? .latency : .resource
    transfer = row["io_type"] == "io_parallel" ? .parallel : .stream
  }

  /// False for frequencies no part has, whose period would not count in steps of any delay.
  var hasClock: Bool { clock <= 100_000 }

  subscript(_ key: String) -> Int? { parameters[key].flatMap { Int($0) } }

  /// `8x6` as (8, 6).
  func pair(_ key: String) -> (Int, Int)? {
    guard let text = parameters[key] else { return nil }
    let parts = text.split(separator: "x").compactMap { Int($0) }
    return parts.count == 2 && parts.allSatisfy { $0 > 0 && $0 < 1 << 20 } ? (parts[0], parts[1]) : nil
  }

  /// Total bits of the first `<bits,…>` in the precision cell.
  var bits: Int? {
    guard let open = precision.firstIndex(of: "<") else { return nil }
    let bits = Int(precision[precision.index(after: open)...].prefix { $0.isNumber })
    return bits.flatMap { (1...1024).contains($0) ? $0 : nil }
  }

  /// The number at the end of the layer's name (`dense_config16`), by which the tool orders layers.
  var index: Int {
    let digits = layer.reversed().prefix { $0.isNumber }
    return Int(String(digits.reversed())) ?? 0
  }
}

extension LayerSpec {
  /// The layer a report row describes; nil when its kind or its shape is not known.
  init?(_ row: ReportRow, reportedMultipliers: Int?) {
    func valid(_ value: Int?) -> Int? { value.flatMap { $0 > 0 && $0 < 1 << 24 ? $0 : nil } }
    switch row.kind {
    case "dense":
      guard let inputs = valid(row["n_in"]), let outputs = valid(row["n_out"]) else { return nil }
      self.init(name: row.layer, kind: .dense)
      channels = inputs
      outputChannels = outputs
    case "conv2d":
      guard let h = valid(row["in_h"]), let w = valid(row["in_w"]), let kernel = row.pair("k"),
        let inputs = valid(row["c_in"]), let outputs = valid(row["c_out"]), let oh = valid(row["out_h"]),
        let ow = valid(row["out_w"])
      else { return nil }
      self.init(name: row.layer, kind: .convolution)
      (height, width, channels) = (h, w, inputs)
      (outputHeight, outputWidth, outputChannels) = (oh, ow, outputs)
      (kernelHeight, kernelWidth) = kernel
      strideHeight = oh > 1 ? max(1, (h - kernelHeight) / (oh - 1)) : 1
      strideWidth = ow > 1 ? max(1, (w - kernelWidth) / (ow - 1)) : 1
    case "maxpool2d", "avgpool2d":
      guard let size = row.pair("in"), let pool = row.pair("pool"), let count = valid(row["c"]) else { return nil }
      self.init(name: row.layer, kind: .pool)
      (height, width, channels, outputChannels) = (size.0, size.1, count, count)
      (kernelHeight, kernelWidth, strideHeight, strideWidth) = (pool.0, pool.1, pool.0, pool.1)
      (outputHeight, outputWidth) = (size.0 / pool.0, size.1 / pool.1)
    case "relu", "leaky_relu", "linear", "normalize":
      // What is left of a normalisation beside the kernels that took its factors is a sum.
      self.init(name: row.layer, kind: row.kind == "leaky_relu" ? .scaled : row.kind == "normalize" ? .add : .activation)
      if let size = row.pair("in"), let count = valid(row["c"]) {
        (height, width, channels) = (size.0, size.1, count)
      } else if let count = valid(row["n"]) {
        channels = count
      } else {
        return nil
      }
      (outputHeight, outputWidth, outputChannels) = (height, width, channels)
    case "zeropad2d":
      guard let size = row.pair("in"), let out = row.pair("out"), let count = valid(row["c"]) else { return nil }
      self.init(name: row.layer, kind: .padding)
      (height, width, channels) = (size.0, size.1, count)
      (outputHeight, outputWidth, outputChannels) = (out.0, out.1, count)
      (padTop, padLeft) = ((out.0 - size.0) / 2, (out.1 - size.1) / 2)
    case "softmax":
      guard let count = valid(row["n"]) else { return nil }
      self.init(name: row.layer, kind: .softmax)
      (channels, outputChannels) = (count, count)
    default: return nil
    }
    strategy = row.strategy
    transfer = row.transfer
    reuse = row.reuse ?? 1
    weightBits = row.bits ?? 16
    dataBits = 16
    if row.parameters["mult"] == "lut" { forcesTables = true }
    guard MeasurementRow.product([height, width, channels]) != nil,
      MeasurementRow.product([outputHeight, outputWidth, outputChannels]) != nil,
      MeasurementRow.product([kernelHeight, kernelWidth, channels, outputChannels]) != nil
    else { return nil }
    if let hard = row["uniq_ge3_per_row"], let zeros = row["n_zeros"], let two = row["csd2"],
      [hard, zeros, two].allSatisfy((0...MeasurementRow.productLimit).contains)
    {
      weights = WeightStatistics(zeros: zeros, hardProducts: hard, twoDigit: two)
    }
    // A report without its reuse factor still tells the number of multipliers the factor allowed.
    if row.reuse == nil, weightCount > 0, let count = reportedMultipliers, count > 0 {
      reuse = max(1, (weightCount + count / 2) / count)
    }
  }
}
