internal import Hardware
internal import IR

extension GEMMLibrary {
  /// Reads `<gemm>`: constants, `<tiles>` lists and the `<path>`s that use them.
  init(_ reader: ElementReader?, instructions: [MatrixInstruction]) {
    name = reader?.optionalString("library") ?? ""
    fill = reader.number("fill", .cycles)
    epilogue = reader.number("epilogue", .cycles)
    storeRate = reader.number("store-rate", .bytesPerCycle)
    stepOverhead = reader.number("step-overhead", .cycles)
    overlap = reader.number("overlap", .ratio, in: .share)
    splitReduction = reader.number("split-reduction", .seconds)
    writeCost = reader.number("write-cost", .ratio, in: .factor)
    workingRegisters = reader.number("working-registers", .none)
    loaderRegisters = reader?.optionalNumber("loader-registers", .none)?.value ?? 0
    residentBlocks = reader.number("resident-blocks", .none, in: .extents)
    splitBytes = reader.number("split-bytes", .bytes)
    let usual = GEMMPath.Defaults(
      splitWaves: reader.number("split-waves", .ratio, in: .factor), vectorSlots: reader.number("vector-slots", .ratio, in: .factor))
    vectorSlots = usual.vectorSlots
    var lists: [String: [GEMMTile]] = [:]
    for list in reader?.children("tiles") ?? [] {
      lists[list.name] = list.children("tile").map { GEMMTile($0) }
      list.finish()
    }
    if reader?.has("loader-registers") == false, lists.values.joined().contains(where: { $0.loaderWarps > 0 }) {
      reader?.error("<gemm> has tiles with loader warps and lacks <loader-registers>")
    }
    convolution = ConvolutionLibrary(reader?.child("convolution"))
    sparse = (reader?.children("sparse") ?? []).map { SparseLibrary($0) }
    paths = (reader?.children("path") ?? []).compactMap { GEMMPath($0, tiles: lists, instructions: instructions, usual: usual) }
    if paths.isEmpty { reader?.error("<gemm> needs at least one <path>") }
    reader?.finish()
  }
}

extension ConvolutionLibrary {
  fileprivate init(_ reader: ElementReader?) {
    narrowChannels = reader?.choice("narrow-channels", of: NarrowChannels.self) ?? .padded
    narrowShare = reader?.optionalAttribute("narrow-share", .ratio, in: .efficiency) ?? 1
    prelude = reader?.attribute("prelude", .seconds) ?? .nan
    coreShare = reader?.attribute("core-share", .ratio, in: .efficiency) ?? .nan
    splitLimit = reader?.integerAttribute("split-limit", in: .extents) ?? 1
    stridedLatency = reader?.optionalAttribute("strided-latency", .ratio, in: .factor) ?? 1
    directSlots = reader?.attribute("direct-slots", .ratio, in: .factor) ?? .nan
    reader?.finish()
  }
}

extension SparseLibrary {
  fileprivate init(_ reader: ElementReader) {
    name = reader.name
    issueShare = reader.attribute("issue-share", .ratio, in: .efficiency)
    reader.finish()
  }
}

extension GEMMPath {
  /// What the library does on paths that do not say otherwise.
  fileprivate struct Defaults {
    var splitWaves: Double
    var vectorSlots: Double
  }

  fileprivate init?(
    _ reader: ElementReader, tiles lists: [String: [GEMMTile]], instructions: [MatrixInstruction], usual: Defaults
  ) {
    name = reader.name
    library = reader.optionalString("library") ?? ""
    activations = reader.formats("activations")
    weights = reader.formats("weights")
    isBlockScaled = reader.optionalFlagAttribute("block-scaled")
    let word = reader.string("instruction")
    if word == "fma" {
      instruction = .cores(reader, formats: activations)
    } else if let found = instructions.first(where: { $0.name == word }) {
      instruction = found
    } else {
      reader.error("<path> names the instruction '\(word)', which is not in <tensor-cores>")
      return nil
    }
    operandBytes = reader.attribute("operand", .bytes, in: 0.0625...64)
    issueEfficiency = reader.attribute("issue-efficiency", .ratio, in: .efficiency)
    latency = reader.attribute("latency", .cycles)
    splitLimit = reader.integerAttribute("split-limit", in: .extents)
    splitWaves = reader.optionalAttribute("split-waves", .ratio, in: .factor) ?? usual.splitWaves
    prelude = reader.optionalAttribute("prelude", .seconds) ?? 0
    preludeBytes = reader.optionalAttribute("prelude-bytes", .bytes) ?? 0
    timingOverhead = reader.optionalAttribute("timing-overhead", .seconds) ?? 0
    serialSplit = reader.optionalAttribute("serial-split", .seconds) ?? 0
    profiledRows = reader.optionalIntegerAttribute("profiled-rows") ?? 0
    overlap = reader.optionalAttribute("overlap", .ratio, in: .share)
    strideLoss = reader.optionalAttribute("stride-loss", .ratio, in: .share) ?? 0
    strideReach = reader.optionalAttribute("stride-reach", .bytes, in: .capacity) ?? .infinity
    if let rows = reader.optionalIntegerAttribute("vector-rows") {
      vector = VectorKernel(
        rows: rows, chain: reader.optionalAttribute("vector-chain", .cycles) ?? 0,
        slots: reader.optionalAttribute("vector-slots", .ratio, in: .factor) ?? usual.vectorSlots)
    }
    func list(_ attribute: String, _ name: String) -> [GEMMTile] {
      let tiles = lists[name] ?? []
      if tiles.isEmpty { reader.error("<path> names in '\(attribute)' the tile list '\(name)', which is missing or empty") }
      return tiles
    }
    tiles = list("tiles", reader.string("tiles"))
    batchedTiles = reader.optionalString("batched-tiles").map { list("batched-tiles", $0) } ?? tiles
    reader.finish()
  }
}

extension GEMMTile {
  fileprivate init(_ reader: ElementReader) {
    m = reader.integerAttribute("m", in: .extents)
    n = reader.integerAttribute("n", in: .extents)
    stepBytes = reader.integerAttribute("step", in: .extents)
    stages = reader.integerAttribute("stages", in: 2...1024)
    warpsM = reader.integerAttribute("warps-m", in: .extents)
    warpsN = reader.integerAttribute("warps-n", in: .extents)
    loaderWarps = reader.optionalIntegerAttribute("loader-warps") ?? 0
    cluster = reader.optionalIntegerAttribute("cluster", in: .extents) ?? 1
    issueShare = reader.optionalAttribute("issue-share", .ratio, in: .efficiency) ?? 1
    reader.finish()
  }
}
