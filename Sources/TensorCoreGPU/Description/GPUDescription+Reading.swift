package import Basic
package import Hardware
internal import IR

extension GPUDescription {
  /// Reads the `<gpu>` element of a target file; every mistake of the file is in the failure.
  package init(_ target: TargetFile) throws(Failure) {
    guard let element = target.root.children.first(where: { $0.name == "gpu" }) else {
      throw Failure("target '\(target.name)' has no <gpu> element", at: target.root.location)
    }
    let log = ReadingLog()
    let gpu = ElementReader(element, log: log)
    name = target.name
    computeCapability = gpu.number("compute-capability", .none).value
    smCount = gpu.integer("sm-count", in: .extents).value
    boostClock = gpu.clock("boost-clock")
    sm = Multiprocessor(gpu.child("sm"))
    l2 = L2Cache(gpu.child("l2"))
    memory = DeviceMemory(gpu.child("dram"))
    power = PowerLimit(gpu.child("power"))
    launch = LaunchCost(gpu.child("launch"))
    let tensor = gpu.child("tensor-cores")
    let rows = tensor?.children("instruction").compactMap { MatrixInstruction($0) } ?? []
    tensor?.finish()
    instructions = rows
    gemm = GEMMLibrary(gpu.child("gemm"), instructions: rows)
    streaming = gpu.optionalChild("streaming").map(StreamingSoftware.init)
    let libraries = gpu.optionalChild("attention")
    attention = libraries?.children("library").map(AttentionLibrary.init) ?? []
    libraries?.finish()
    mixture = gpu.optionalChild("mixture").map(MixtureSoftware.init)
    recurrent = gpu.optionalChild("recurrent").map(RecurrentSoftware.init)
    collectives = gpu.optionalChild("collectives").map(CollectiveSoftware.init)
    gpu.finish()
    numbers = log.numbers
    try log.check()
  }
}

extension Multiprocessor {
  fileprivate init(_ reader: ElementReader?) {
    sharedMemory = reader.number("shared-memory", .bytes, in: .capacity)
    reservedSharedMemory = reader.number("reserved-shared-memory", .bytes)
    sharedMemoryBandwidth = reader.number("shared-memory-bandwidth", .bytesPerCycle)
    registers = reader.number("registers", .none, in: .extents)
    threads = reader.number("threads", .none, in: .extents)
    blocks = reader.number("blocks", .none, in: .extents)
    l2Port = reader.number("l2-port", .bytesPerCycle)
    fp32Lanes = reader.number("fp32-lanes", .lanes)
    fp16Lanes = reader.number("fp16-lanes", .lanes)
    specialLanes = reader.number("special-lanes", .lanes)
    tanhOperations = reader.number("tanh-operations", .none, in: .extents)
    reader?.finish()
  }
}

extension L2Cache {
  fileprivate init(_ reader: ElementReader?) {
    capacity = reader.number("capacity", .bytes, in: .capacity)
    bytesPerClock = reader.number("bandwidth", .bytesPerCycle)
    efficiency = reader.number("efficiency", .ratio, in: .efficiency)
    usableShare = reader.number("usable-share", .ratio, in: .share)
    reader?.finish()
  }
}

extension DeviceMemory {
  fileprivate init(_ reader: ElementReader?) {
    capacity = reader.number("capacity", .bytes, in: .capacity)
    bandwidth = reader.number("bandwidth", .bytesPerSecond)
    efficiency = reader.number("efficiency", .ratio, in: .efficiency)
    skew = Skew(share: reader.number("skew", .ratio, in: .share), limit: reader.number("skew-limit", .seconds))
    energyPerByte = reader?.optionalNumber("energy", .joulesPerByte)?.value ?? .nan
    reader?.finish()
  }
}

extension PowerLimit {
  fileprivate init(_ reader: ElementReader?) {
    board = reader.number("board", .watts, in: 0.1...1e6)
    idle = reader?.optionalNumber("idle", .watts)?.value ?? .nan
    clockExponent = reader.number("clock-exponent", .none, in: 1...10)
    voltageFloor = reader.number("voltage-floor", .hertz)
    responseTime = reader.number("response-time", .seconds)
    reader?.finish()
  }
}

extension LaunchCost {
  fileprivate init(_ reader: ElementReader?) {
    graph = reader.number("graph", .seconds)
    eager = reader.number("eager", .seconds)
    reader?.finish()
  }
}

extension MatrixInstruction {
  /// Instruction that stands for the ordinary cores, so that a path without matrix unit reads like the others.
  static func cores(_ path: ElementReader, formats: [ElementType]) -> MatrixInstruction {
    MatrixInstruction(
      name: "fma", formats: formats, m: 1, n: 1, k: 1, feed: .cores, sparsity: .dense,
      rate: path.attribute("rate", .lanes), energy: path.optionalAttribute("energy", .joules) ?? .nan)
  }

  fileprivate init?(_ reader: ElementReader) {
    guard let feed = reader.choice("feed", of: Feed.self) else { return nil }
    name = reader.name
    formats = reader.formats("formats")
    m = reader.integerAttribute("m", in: .extents)
    n = reader.integerAttribute("n", in: .extents)
    k = reader.integerAttribute("k", in: .extents)
    self.feed = feed
    sparsity = reader.sparsity("sparsity")
    if feed == .cores {
      reader.error("<instruction> is for matrix units", fix: "describe the ordinary cores by a <path instruction=\"fma\">")
    }
    rate = reader.attribute("rate", .lanes)
    energy = reader.optionalAttribute("energy", .joules) ?? .nan
    reader.finish()
  }
}

extension ElementReader {
  /// A list of number formats separated by spaces.
  func formats(_ attribute: String) -> [ElementType] {
    string(attribute).split(separator: " ").compactMap { word in
      let format = ElementType(rawValue: String(word))
      if format == nil {
        let near = nearestSpelling(to: String(word), in: ElementType.allCases.map(\.rawValue))
        error("'\(word)' is not a number format", fix: near.map { "did you mean \($0)?" })
      }
      return format
    }
  }
}

extension ElementReader {
  /// `2:4`; dense when absent.
  fileprivate func sparsity(_ attribute: String) -> Encoding.Sparsity {
    guard let text = optionalString(attribute) else { return .dense }
    if let sparsity = Encoding.Sparsity(ratio: text) { return sparsity }
    error("\(attribute)=\"\(text)\" in <\(element.name)> is not understood", fix: "write kept:of, such as 2:4")
    return .dense
  }
}

extension Optional where Wrapped == ElementReader {
  /// The number of a child; NaN when the enclosing element is missing, which has been reported already.
  func number(_ name: String, _ unit: Unit, in range: ClosedRange<Double>? = nil) -> Double {
    self?.number(name, unit, in: range).value ?? .nan
  }
}
