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
      patchHeight: reader.optionalInteger("patch-height", in: .extents)?.value ?? 1,
      patchWidth: reader.optionalInteger("patch-width", in: .extents)?.value ?? 1,
      packsKernelIntoLanes: reader.flag("packs-kernel"), depthwiseLanes: reader.optionalInteger("depthwise-lanes", in: .extents)?.value
    )
  }
}

extension BlockArray {
  fileprivate init(_ reader: ElementReader) {
    var micro = reader.children("micro-block").map { MicroBlock($0) }
    if micro.isEmpty {
      reader.error("a block array needs at least one <micro-block>")
      micro = [MicroBlock(shape: Block(1, 1, 1), channels: 8)]
    }
    self.init(
      microBlocks: micro, cores: reader.positive("depth-cores"),
      weightDecoders: reader.has("weight-decoders") ? reader.positive("weight-decoders") : 1,
      buffers: reader.has("banks") ? .banked(BankedBuffer(reader)) : .split(SplitBuffers(reader)),
      partKernel: PartKernel(
        taps: reader.positive("part-kernel-taps"),
        leastTaps: reader.optionalInteger("part-kernel-least-taps", in: .extents)?.value ?? 1,
        channelUnit: reader.positive("part-kernel-channels"), depthUnit: reader.positive("depth-first-channels")),
      maximumBlock: Block(
        reader.positive("maximum-block-height"), reader.positive("maximum-block-width"), reader.positive("maximum-block-depth")),
      restartDelay: reader.integer("restart-delay", .cycles).value,
      restartDelayWide: reader.integer("restart-delay-wide", .cycles).value, kernelLimit: reader.positive("kernel-limit"),
      foldedStrideChannels: reader.optionalInteger("folded-stride-channels")?.value ?? 0,
      readBuffers: [:])
    for buffer in reader.children("read-buffer") {
      if let channel = buffer.choice("channel", of: Channel.self) {
        readBuffers[channel] = buffer.integerAttribute("bytes")
      }
      buffer.finish()
    }
  }
}

extension BlockArray.MicroBlock {
  fileprivate init(_ reader: ElementReader) {
    let names = reader.names("uses")
    let uses = Set(names.compactMap { BlockArray.Use(rawValue: $0) })
    if uses.count < names.count {
      reader.error("<micro-block> is used for \(BlockArray.Use.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    func positive(_ name: String) -> Int { reader.integerAttribute(name, in: .extents) }
    self.init(
      shape: Block(positive("height"), positive("width"), positive("depth")), channels: positive("channels"), uses: uses)
    reader.finish()
  }
}

extension BlockArray.BankedBuffer {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      bankBytes: reader.positive("bank-size", .bytes), banks: reader.positive("banks"),
      reservedOutputBanks: reader.integer("reserved-output-banks").value,
      reservedEndBanks: reader.integer("reserved-end-banks").value, inputGranule8: reader.positive("input-granule-8"),
      inputGranule16: reader.positive("input-granule-16"), inputGranule32: reader.positive("input-granule-32"),
      accumulatorGranule32: reader.positive("accumulator-granule-32"),
      accumulatorGranule40: reader.positive("accumulator-granule-40"))
  }
}

extension BlockArray.SplitBuffers {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      inputs: reader.positive("input-buffer", .bytes), accumulators: reader.positive("accumulator-buffer", .bytes),
      outputs: reader.positive("output-buffer", .bytes), largestDepthUnit: reader.positive("input-depth-unit"))
  }
}
