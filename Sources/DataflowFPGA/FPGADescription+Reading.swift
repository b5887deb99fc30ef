package import Basic
package import Hardware

extension FPGADescription {
  /// Reads the `<fpga>` element of a target file.
  package init(_ target: TargetFile) throws(Failure) {
    let log = ReadingLog()
    guard let element = target.root.children.first(where: { $0.name == "fpga" }) else {
      throw Failure("<target> lacks <fpga>", at: target.root.location)
    }
    let reader = ElementReader(element, log: log)
    part = FPGAPart(name: target.name, reader)
    clock = reader.clock("clock")
    profiles = reader.children("tool").map { ProfileCache.shared.profile($0, log) }
    request = Request(reader.child("hls"))
    board = Board(reader.optionalChild("board"))
    var mappers: [String: MultiplierRule] = [:]
    for row in reader.children("mapper") { mappers[row.name] = MultiplierRule(row: row) }
    self.mappers = mappers
    numbers = []
    if profiles.allSatisfy({ $0.name != request.profile }) {
      let near = nearestSpelling(to: request.profile, in: profiles.map(\.name))
      reader.error("no <tool> is named '\(request.profile)'", fix: near.map { "did you mean \($0)?" })
    }
    reader.finish()
    try log.check()
    numbers = log.numbers
  }
}

extension FPGADescription.Request {
  fileprivate init(_ reader: ElementReader?) {
    profile = reader?.text("profile") ?? ""
    reuse = reader?.integer("reuse").value ?? 0
    folding = reader?.optionalText("folding") ?? ""
    strategy = reader?.word("strategy", Strategy.self) ?? .resource
    transfer = reader?.word("transfer", Transfer.self) ?? .stream
    fixedBits = reader?.integer("fixed-bits", in: 1...1024).value ?? 16
    frameRate = reader?.number("frame-rate", .none, in: 0.001...1e12, orZero: true).value ?? 0
    sizing = reader?.integer("size-fifos", in: 0...2).value ?? 0
    fifoDepth = reader?.integer("fifo-depth", in: 0...(1 << 30)).value ?? 0
    reader?.finish()
  }
}

extension FPGADescription.Board {
  fileprivate init(_ reader: ElementReader?) {
    hostSeconds = reader?.optionalNumber("host-time", .seconds)?.value ?? 0
    watts = reader?.optionalNumber("power", .watts)?.value ?? 0
    energyRunSeconds = reader?.optionalNumber("energy-run-time", .seconds)?.value ?? 0
    reader?.finish()
  }
}

extension FPGAPart {
  fileprivate init(name: String, _ reader: ElementReader) {
    let capacity = Area(reader.child("capacity"))
    let dies = reader.integer("dies", in: .extents).value
    let block = DSPBlock(reader.child("dsp-block"))
    let memory = MemorySystem(reader.child("memory"))
    let usable = reader.child("usable")
    let shares = Area().named.map { ($0.name, usable?.number($0.name, .ratio, in: .share).value ?? 1) }
    usable?.finish()
    let shell = Area(reader.child("shell"))
    self.init(
      name: name, capacity: capacity, dies: dies, block: block, memory: memory,
      usable: Dictionary(shares) { first, _ in first }, shell: shell)
  }
}

extension Area {
  fileprivate init(_ reader: ElementReader?) {
    self.init(
      dsp: reader?.integer("dsp").value ?? 0, lut: reader?.integer("lut").value ?? 0,
      ff: reader?.integer("ff").value ?? 0, bram18: reader?.integer("bram18").value ?? 0,
      uram: reader?.integer("uram").value ?? 0)
    reader?.finish()
  }
}

extension DSPBlock {
  fileprivate init(_ reader: ElementReader?) {
    let packing = (reader?.children("packing") ?? []).map { row in
      let entry = Packing(bits: row.integerAttribute("bits", in: .extents), count: row.integerAttribute("count", in: .extents))
      row.finish()
      return entry
    }
    self.init(
      name: reader?.text("type") ?? "", wide: reader?.integer("wide-port", .bits).value ?? 0,
      narrow: reader?.integer("narrow-port", .bits).value ?? 0, packing: packing)
    reader?.finish()
  }
}

extension MemorySystem {
  fileprivate init(_ reader: ElementReader?) {
    let ladders = (reader?.children("ladder") ?? []).map(MemoryLadder.init)
    func ladder(_ name: String) -> MemoryLadder {
      if let found = ladders.first(where: { $0.name == name }) { return found }
      reader?.error("<memory> lacks <ladder name=\"\(name)\">")
      return MemoryLadder(name: name, rungs: [])
    }
    self.init(
      lut: ladder("lut"), block: ladder("block"), ultra: ladder("ultra"),
      lutDepth: reader?.integer("lut-depth").value ?? 0, ultraFill: reader?.number("ultra-fill", .ratio, in: .share).value ?? 1)
    reader?.finish()
  }
}

extension MemoryLadder {
  fileprivate init(_ reader: ElementReader) {
    let rungs = reader.children("rung").map { row in
      let rung = Rung(depth: row.integerAttribute("depth", in: .extents), width: row.integerAttribute("width", in: .extents))
      row.finish()
      return rung
    }
    self.init(name: reader.name, rungs: rungs)
    reader.finish()
  }
}

extension MultiplierRule {
  /// Reads `<mapper name="…" least-operand="2" …/>`.
  fileprivate init(row: ElementReader) {
    self.init(
      leastOperand: row.integerAttribute("least-operand", in: .extents), leastProduct: row.integerAttribute("least-product", in: .extents),
      leastWeight: row.integerAttribute("least-weight", in: .extents))
    row.finish()
  }
}
