internal import Basic
internal import Hardware

private enum Organisation: String, CaseIterable { case systolic, dot, block }

extension MACArray {
  /// Reads an `<array>` element.
  init(_ reader: ElementReader) {
    switch reader.word("organisation", Organisation.self) {
    case .systolic: self = .systolic(SystolicArray(reader))
    case .block: self = .block(BlockArray(reader))
    case .dot, nil: self = .dot(DotProductArray(reader))
    }
    reader.finish()
  }
}

extension SystolicArray {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      rows: reader.positive("rows"), columns: reader.positive("columns"),
      dataflow: reader.word("dataflow", Dataflow.self) ?? .weightStationary,
      load: reader.word("stationary-load", StationaryLoad.self) ?? .perFold,
      mapping: reader.word("channel-mapping", ChannelMapping.self) ?? .im2col,
      depthwise: reader.word("depthwise-mapping", DepthwiseMapping.self) ?? .groups)
  }
}

extension DotProductArray {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      inputLanes: reader.positive("input-lanes"), outputLanes: reader.positive("output-lanes"),
      patchHeight: reader.optionalInteger("patch-height")?.value ?? 1,
      patchWidth: reader.optionalInteger("patch-width")?.value ?? 1,
      packsKernelIntoLanes: reader.flag("packs-kernel"), depthwiseLanes: reader.optionalInteger("depthwise-lanes")?.value)
  }
}

extension BlockArray {
  fileprivate init(_ reader: ElementReader) {
    func block(_ prefix: String) -> Block {
      Block(reader.positive("\(prefix)-height"), reader.positive("\(prefix)-width"), reader.positive("\(prefix)-depth"))
    }
    self.init(
      microBlock: block("micro-block"), cores: reader.positive("depth-cores"), bankBytes: reader.positive("bank-size", .bytes),
      banks: reader.positive("banks"), reservedOutputBanks: reader.integer("reserved-output-banks").value,
      reservedEndBanks: reader.integer("reserved-end-banks").value,
      inputGranules: (
        reader.positive("input-granule-8"), reader.positive("input-granule-16"), reader.positive("input-granule-32")
      ),
      accumulatorGranules: (reader.positive("accumulator-granule-32"), reader.positive("accumulator-granule-40")),
      maximumBlock: block("maximum-block"),
      restartDelay: (reader.integer("restart-delay", .cycles).value, reader.integer("restart-delay-wide", .cycles).value),
      kernelLimit: reader.positive("kernel-limit"))
  }
}
