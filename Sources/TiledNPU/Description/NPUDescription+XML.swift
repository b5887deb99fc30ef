package import Basic
package import Hardware
internal import IR

extension NPUDescription {
  /// Reads the `<npu>` element of a target file; every mistake is in the failure.
  package init(_ target: TargetFile) throws(Failure) {
    let log = ReadingLog()
    let root = ElementReader(target.root, log: log)
    guard let npu = root.child("npu") else {
      try log.check()
      throw Failure("the target has no <npu>", at: target.root.location)
    }
    let clock = npu.clock("clock")
    memories = npu.children("memory").map { MemoryLevel($0, clockHertz: clock) }
    if memories.isEmpty { npu.error("an accelerator needs at least one <memory>") }
    name = target.name
    clockHertz = clock
    instances = npu.optionalInteger("instances", in: 1...4096)?.value ?? 1
    cores = npu.optionalInteger("cores", in: 1...4096)?.value ?? 1
    precision = npu.element("precision") ?? .int8
    array = npu.child("array").map { MACArray($0) } ?? .dot(DotProductArray(inputLanes: 1, outputLanes: 1))
    formats = npu.children("format").compactMap { Format($0) }
    vector = npu.child("vector").map { VectorEngine($0) } ?? VectorEngine(rates: [])
    let names = memories.map(\.name)
    let placement = npu.child("placement").map { Placement($0, names) } ?? Placement(near: 0, far: nil, weights: 0, graph: 0)
    self.placement = placement
    let policy = npu.child("policy").map { Policy($0) } ?? .plain
    self.policy = policy
    let nearName = names.indices.contains(placement.near) ? names[placement.near] : ""
    tileBuffers = npu.optionalChild("tile-buffers").map { TileBuffers($0, near: nearName, policy) }
    weightCode = npu.optionalChild("weight-code").map { WeightCode($0) } ?? WeightCode()
    instructions = npu.optionalChild("instructions").map { InstructionStream($0) }
    layerCycles = npu.optionalInteger("layer-overhead", .cycles)?.value ?? 0
    runSeconds = npu.optionalNumber("run-overhead", .seconds)?.value ?? 0
    host = npu.optionalChild("host").map { Host($0) }
    macEnergy = npu.optionalNumber("mac-energy", .joules)?.value
    vectorEnergy = npu.optionalNumber("vector-energy", .joules)?.value
    npu.finish()
    try log.check()
    numbers = log.numbers
  }
}

private enum Layout: String, CaseIterable { case linear, bricks }
private enum FeatureMaps: String, CaseIterable { case near, far }

extension MemoryLevel {
  fileprivate init(_ reader: ElementReader, clockHertz: Double) {
    let rate: Double
    if reader.has("width") {
      rate = reader.number("width", .bytesPerCycle).value
    } else {
      rate = reader.number("bandwidth", .bytesPerSecond).value / clockHertz
    }
    self.init(
      name: reader.name, capacity: reader.optionalInteger("capacity", .bytes, in: .capacity)?.value, peakBytesPerCycle: rate,
      efficiency: reader.optionalNumber("efficiency", .ratio, in: .positiveShare)?.value ?? 1,
      readLatency: reader.optionalInteger("read-latency", .cycles)?.value ?? 0,
      writeLatency: reader.optionalInteger("write-latency", .cycles)?.value ?? 0,
      burst: reader.optionalInteger("burst", .bytes, in: .extents)?.value ?? 1,
      outstandingReads: reader.optionalInteger("outstanding-reads", in: .extents)?.value,
      banks: reader.optionalInteger("banks", in: .extents)?.value,
      readEnergyPerByte: reader.optionalNumber("read-energy", .joulesPerByte)?.value,
      writeEnergyPerByte: reader.optionalNumber("write-energy", .joulesPerByte)?.value)
    reader.finish()
  }
}

extension NPUDescription.Format {
  fileprivate init?(_ reader: ElementReader) {
    let activations = ElementType(rawValue: reader.string("activations"))
    let weights = ElementType(rawValue: reader.string("weights"))
    let kept = reader.optionalIntegerAttribute("kept", in: .extents)
    let of = reader.optionalIntegerAttribute("of", in: .extents)
    let cycles = reader.attribute("cycles", in: .factor)
    reader.finish()
    guard let activations, let weights else {
      reader.error("<format> needs two number formats")
      return nil
    }
    self.init(
      activations: activations.signed, weights: weights.signed,
      sparsity: kept.flatMap { kept in of.map { .structured(kept: kept, of: $0) } }, cyclesPerStep: cycles)
  }
}

extension NPUDescription.Placement {
  fileprivate init(_ reader: ElementReader, _ names: [String]) {
    func index(_ text: String) -> Int {
      if let found = names.firstIndex(of: text) { return found }
      let near = nearestSpelling(to: text, in: names).map { "did you mean \($0)?" }
      reader.error("no <memory> is called '\(text)'", fix: near ?? "there are \(names.joined(separator: ", "))")
      return 0
    }
    let near = index(reader.text("near"))
    let far = reader.optionalText("far").map(index)
    self.init(
      near: near, far: far, weights: index(reader.text("weights")),
      graph: reader.optionalText("graph").map(index) ?? far ?? near)
    reader.finish()
  }
}

extension NPUDescription.Policy {
  fileprivate static let plain = NPUDescription.Policy(
    keepsFeatureMapsNear: false, weights: .stream, inputReads: .once, layout: .linear, cascades: false, isDoubleBuffered: true,
    fusesResidual: false, keepsPartialSums: true, serialisesOutput: false)

  fileprivate init(_ reader: ElementReader) {
    self.init(
      keepsFeatureMapsNear: reader.word("feature-maps", FeatureMaps.self) == .near,
      weights: reader.word("weights", NPUDescription.WeightPolicy.self) ?? .stream,
      inputReads: reader.optionalWord("input-reads", NPUDescription.InputReads.self) ?? .once,
      layout: reader.optionalWord("layout", Layout.self) == .bricks ? .bricks : .linear,
      cascades: reader.flag("cascades"), isDoubleBuffered: reader.flag("double-buffered"), fusesResidual: reader.flag("fuses-residual"),
      keepsPartialSums: reader.has("keeps-partial-sums") ? reader.flag("keeps-partial-sums") : true,
      serialisesOutput: reader.flag("serialises-output"))
    reader.finish()
  }
}

extension TileBuffers {
  fileprivate init(_ reader: ElementReader, near: String, _ policy: NPUDescription.Policy) {
    self.init(
      name: near, shared: reader.optionalInteger("shared", .bytes)?.value,
      inputs: reader.optionalInteger("inputs", .bytes)?.value, weights: reader.optionalInteger("weights", .bytes)?.value,
      outputs: reader.optionalInteger("outputs", .bytes)?.value,
      weightQueue: reader.optionalInteger("weight-queue", .bytes)?.value, isDoubleBuffered: policy.isDoubleBuffered)
    reader.finish()
  }
}

extension WeightCode {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      isEntropyCoded: reader.flag("entropy-coded"),
      codingOverhead: reader.optionalNumber("coding-overhead", .ratio, in: .factor)?.value ?? 1,
      streamBytes: reader.optionalInteger("stream-size", .bytes, in: 0...(1 << 24))?.value ?? 0,
      channelBytes: reader.optionalInteger("channel-size", .bytes, in: 0...(1 << 24))?.value ?? 0,
      alignment: reader.optionalInteger("alignment", .bytes, in: .extents)?.value ?? 1,
      assumedBits: reader.optionalNumber("assumed-bits", .none, in: .factor)?.value ?? 8,
      paletteSize: reader.optionalInteger("palette-size", .none, in: 0...256)?.value ?? 0,
      depthwiseExpansion: reader.optionalNumber("depthwise-expansion", .ratio, in: .factor)?.value ?? 1,
      outputGranule: reader.optionalInteger("output-granule", in: .extents)?.value ?? 1,
      inputGranule: reader.optionalInteger("input-granule", in: .extents)?.value ?? 1)
    reader.finish()
  }
}

extension InstructionStream {
  fileprivate init(_ reader: ElementReader) {
    let resultBytes = reader.number("result-size", .bytes, in: 0...4096).value
    self.init(
      layerBytes: reader.integer("layer-size", .bytes, in: 0...(1 << 30)).value, resultBytes: resultBytes,
      bufferBytes: reader.integer("buffer", .bytes).value)
    reader.finish()
  }
}

extension NPUDescription.Host {
  fileprivate init(_ reader: ElementReader) {
    self.init(
      macsPerSecond: reader.number("mac-rate", .operationsPerSecond).value,
      elementsPerSecond: reader.number("element-rate", .operationsPerSecond).value,
      bytesPerSecond: reader.number("bandwidth", .bytesPerSecond).value,
      callSeconds: reader.number("call", .seconds).value)
    reader.finish()
  }
}

extension VectorEngine {
  fileprivate init(_ reader: ElementReader) {
    let rates = reader.children("rate").compactMap { row -> Rate? in
      guard let stage = row.choice("stage", of: Stage.self) else { return nil }
      let rate = Rate(
        stage: stage, functions: row.names("functions"), operands: row.optionalIntegerAttribute("operands", in: .extents),
        inputBits: row.optionalIntegerAttribute("input-bits", in: .extents),
        outputBits: row.optionalIntegerAttribute("output-bits", in: .extents),
        cyclesPerElement: row.attribute("cycles", in: 0...1e6))
      row.finish()
      return rate
    }
    let activations = reader.children("activation").map { row in
      let rate = Rate(stage: .output, functions: row.names("functions"), cyclesPerElement: row.attribute("cycles", in: 0...1e6))
      row.finish()
      return rate
    }
    var programs: [String: [ProgramStep]] = [:]
    for program in reader.children("program") {
      programs[program.string("function")] = program.children("step").compactMap { ProgramStep($0) }
      program.finish()
    }
    self.init(rates: rates, activations: activations, programs: programs)
    reader.finish()
  }
}

extension VectorEngine.ProgramStep {
  fileprivate init?(_ reader: ElementReader) {
    guard let form = reader.choice("form", of: Form.self) else { return nil }
    self.init(
      name: reader.name, form: form, function: reader.string("function"),
      operands: reader.optionalIntegerAttribute("operands", in: .extents) ?? 1,
      inputBits: reader.optionalIntegerAttribute("input-bits", in: .extents) ?? 8,
      outputBits: reader.optionalIntegerAttribute("output-bits", in: .extents) ?? 8,
      tableBytes: reader.optionalIntegerAttribute("table-bytes") ?? 0,
      repeats: reader.optionalIntegerAttribute("repeats", in: .extents) ?? 1)
    reader.finish()
  }
}
