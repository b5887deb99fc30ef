internal import Basic
package import Hardware

extension ImplementationProfile {
  /// Reads one `<tool name="…">`.
  package init(_ reader: ElementReader) {
    name = reader.name
    folding = reader.choice("folding", of: Folding.self) ?? .reuse
    switch folding {
    case .processingElements: weightWordBits = reader.integerAttribute("weight-word-bits", in: .extents)
    // These tools cut no words.
    case .reuse: weightWordBits = .max
    }
    reports = reader.children("reports").map { row in
      let pattern = ReportPattern(tool: row.optionalString("tool") ?? "", design: row.optionalString("design") ?? "")
      row.finish()
      return pattern
    }
    timing = StreamTiming(reader.child("stream-timing"))
    kernel = KernelTiming(reader.child("kernel-timing"))
    area = AreaLaw(reader.child("area"))
    memory = MemoryUse(reader.child("memory-use"))
    multiplier = MultiplierRule(reader.child("multiplier-rule"))
    logic = ReportedLogic(reader.optionalChild("reported-logic"))
    reader.finish()
  }
}

extension ImplementationProfile.StreamTiming {
  fileprivate init(_ reader: ElementReader?) {
    func cycles(_ name: String) -> Int { reader?.integer(name, .cycles).value ?? 0 }
    convolutionReported = cycles("convolution-reported")
    convolution = cycles("convolution")
    skip = cycles("skip")
    latencyStall = cycles("latency-stall")
    paddingRow = cycles("padding-row")
    paddingCopy = cycles("padding-copy")
    paddingLoops = cycles("padding-loops")
    poolInterval = cycles("pool-interval")
    poolIntervalUnrolled = cycles("pool-interval-unrolled")
    poolDepth = cycles("pool-depth")
    activationDepth = cycles("activation-depth")
    dense = cycles("dense")
    softmaxShared = cycles("softmax-shared")
    softmaxUnrolled = cycles("softmax-unrolled")
    framesInFlight = reader?.integer("frames-in-flight").value ?? 0
    reader?.finish()
  }
}

extension ImplementationProfile.KernelTiming {
  fileprivate init(_ reader: ElementReader?) {
    relaxedPeriod = (reader?.number("relaxed-period", .seconds).value ?? 0) * 1e9
    // Added to a number of levels: a tree whose levels share cycles takes less.
    relaxed = reader?.integer("relaxed", .cycles, in: -64...64).value ?? 0
    fast = reader?.integer("fast", .cycles, in: -64...64).value ?? 0
    fastMultiplier = reader?.integer("fast-multiplier", .cycles).value ?? 0
    shared = reader?.integer("shared", .cycles).value ?? 0
    single = reader?.integer("single", .cycles).value ?? 0
    singleBlock = reader?.integer("single-block", .cycles).value ?? 0
    balancedInputs = reader?.integer("balanced-inputs").value ?? 0
    serialOffset = reader?.number("serial-offset", .none).value ?? 0
    serialRate = reader?.number("serial-rate", .none, in: .factor).value ?? 1
    idleWeightBits = reader?.integer("idle-weight-bits").value ?? 0
    reader?.finish()
  }
}

extension ImplementationProfile.AreaLaw {
  fileprivate init(_ reader: ElementReader?) {
    func number(_ name: String) -> Double { reader?.number(name, .none, in: 0...1e6).value ?? 0 }
    lutPerInputBit = number("lut-per-input-bit")
    ffPerInputBit = number("ff-per-input-bit")
    lutPerMultiplier = number("lut-per-multiplier")
    ffPerMultiplier = number("ff-per-multiplier")
    lutPerOutput = number("lut-per-output")
    ffPerOutput = number("ff-per-output")
    lutPerOutputWeightBit = number("lut-per-output-weight-bit")
    lutPerAddition = number("lut-per-addition")
    ffPerAddition = number("ff-per-addition")
    lutPerActivation = number("lut-per-activation")
    ffPerActivation = number("ff-per-activation")
    lutPerSoftmax = number("lut-per-softmax")
    ffPerSoftmax = number("ff-per-softmax")
    ffPerLayer = number("ff-per-layer")
    ffPerWindowFIFO = number("ff-per-window-fifo")
    lutKept = reader?.number("lut-kept", .ratio, in: .positiveShare).value ?? 1
    ffKept = reader?.number("ff-kept", .ratio, in: .positiveShare).value ?? 1
    reader?.finish()
  }
}

extension ImplementationProfile.MemoryUse {
  fileprivate init(_ reader: ElementReader?) {
    reportedFIFOBits = reader?.integer("reported-fifo-bits").value ?? 0
    shiftRegisterDepth = reader?.integer("shift-register-depth").value ?? 0
    lutROMDepth = reader?.integer("lut-rom-depth").value ?? 0
    romWidth = reader?.integer("rom-width").value ?? 36
    channelFIFOs = reader?.integer("channel-fifos", in: 0...1).value == 1
    windowFIFOs = reader?.integer("window-fifos", in: 0...1).value == 1
    softmaxBlocks = reader?.integer("softmax-blocks").value ?? 0
    indexTables = reader?.optionalInteger("index-tables", in: 0...1)?.value == 1
    tableWeightBits = reader?.optionalInteger("table-weight-bits")?.value ?? 0
    reader?.finish()
  }
}

extension MultiplierRule {
  init(_ reader: ElementReader?) {
    self.init(
      leastOperand: reader?.integer("least-operand").value ?? 1,
      leastProduct: reader?.integer("least-product").value ?? 1,
      leastWeight: reader?.integer("least-weight").value ?? 1)
    reader?.finish()
  }
}

extension ReportedLogic {
  /// Rows `<lut stage="pool" base="346" per-channel="137"/>` and `<ff …/>`.
  fileprivate init(_ reader: ElementReader?) {
    laws = Resource.allCases.flatMap { resource in
      (reader?.children(resource.rawValue) ?? []).compactMap { Law($0, resource) }
    }
    transfer = reader?.optionalChoice("transfer", of: Transfer.self) ?? .stream
    reader?.finish()
  }
}

extension ReportedLogic.Law {
  fileprivate init?(_ row: ElementReader, _ resource: ReportedLogic.Resource) {
    let stage = row.choice("stage", of: ReportedLogic.Stage.self)
    let strategy = row.optionalChoice("strategy", of: Strategy.self)
    let clock = row.optionalChoice("clock", of: ReportedLogic.Clock.self)
    let coefficients = row.element.attributes.compactMap { attribute in
      ReportedLogic.Term(rawValue: attribute.name).map {
        ReportedLogic.Coefficient(term: $0, value: row.attribute(attribute.name, in: -1e6...1e6))
      }
    }
    row.finish()
    guard let stage else { return nil }
    self.init(stage: stage, resource: resource, strategy: strategy, clock: clock, coefficients: coefficients)
  }
}
