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
    overlap = reader.number("overlap", .ratio)
    splitReduction = reader.number("split-reduction", .seconds)
    writeCost = reader.number("write-cost", .ratio)
    var lists: [String: [GEMMTile]] = [:]
    for list in reader?.children("tiles") ?? [] {
      lists[list.name] = list.children("tile").map { GEMMTile($0) }
      list.finish()
    }
    convolution = ConvolutionLibrary(reader?.child("convolution"))
    sparse = (reader?.children("sparse") ?? []).map { SparseLibrary($0) }
    paths = (reader?.children("path") ?? []).compactMap { GEMMPath($0, tiles: lists, instructions: instructions) }
    if paths.isEmpty { reader?.error("<gemm> needs at least one <path>") }
    reader?.finish()
  }
}

extension ConvolutionLibrary {
  fileprivate init(_ reader: ElementReader?) {
    narrowChannels = reader?.choice("narrow-channels", of: NarrowChannels.self) ?? .padded
    narrowShare = reader?.optionalAttribute("narrow-share", .ratio) ?? 1
    prelude = reader?.attribute("prelude", .seconds) ?? .nan
    coreShare = reader?.attribute("core-share", .ratio) ?? .nan
    splitLimit = reader?.integerAttribute("split-limit") ?? 1
    stridedLatency = reader?.optionalAttribute("strided-latency", .ratio) ?? 1
    reader?.finish()
  }
}

extension SparseLibrary {
  fileprivate init(_ reader: ElementReader) {
    name = reader.name
    issueShare = reader.attribute("issue-share", .ratio)
    reader.finish()
  }
}

extension GEMMPath {
  fileprivate init?(_ reader: ElementReader, tiles lists: [String: [GEMMTile]], instructions: [MatrixInstruction]) {
    name = reader.name
    library = reader.optionalString("library") ?? ""
    activations = reader.formats("activations")
    weights = reader.formats("weights")
    isBlockScaled = reader.optionalString("block-scaled") == "true"
    let word = reader.string("instruction")
    if word == "fma" {
      instruction = .cores(reader, formats: activations)
    } else if let found = instructions.first(where: { $0.name == word }) {
      instruction = found
    } else {
      reader.error("<path> names the instruction '\(word)', which is not in <tensor-cores>")
      return nil
    }
    operandBytes = reader.attribute("operand", .bytes)
    issueEfficiency = reader.attribute("issue-efficiency", .ratio)
    latency = reader.attribute("latency", .cycles)
    splitLimit = reader.integerAttribute("split-limit")
    splitWaves = reader.optionalAttribute("split-waves", .ratio) ?? 2
    prelude = reader.optionalAttribute("prelude", .seconds) ?? 0
    preludeBytes = reader.optionalAttribute("prelude-bytes", .bytes) ?? 0
    timingOverhead = reader.optionalAttribute("timing-overhead", .seconds) ?? 0
    serialSplit = reader.optionalAttribute("serial-split", .seconds) ?? 0
    profiledRows = reader.optionalIntegerAttribute("profiled-rows") ?? 0
    overlap = reader.optionalAttribute("overlap", .ratio)
    strideLoss = reader.optionalAttribute("stride-loss", .ratio) ?? 0
    strideReach = reader.optionalAttribute("stride-reach", .bytes) ?? .infinity
    if let rows = reader.optionalIntegerAttribute("vector-rows") {
      vector = VectorKernel(
        rows: rows, chain: reader.optionalAttribute("vector-chain", .cycles) ?? 0,
        slots: reader.optionalAttribute("vector-slots", .ratio) ?? 2)
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
    m = reader.integerAttribute("m")
    n = reader.integerAttribute("n")
    stepBytes = reader.integerAttribute("step")
    stages = reader.integerAttribute("stages")
    warpsM = reader.integerAttribute("warps-m")
    warpsN = reader.integerAttribute("warps-n")
    loaderWarps = reader.optionalIntegerAttribute("loader-warps") ?? 0
    cluster = reader.optionalIntegerAttribute("cluster") ?? 1
    issueShare = reader.optionalAttribute("issue-share", .ratio) ?? 1
    let valid = m > 0 && n > 0 && stepBytes > 0 && stages > 1 && warpsM > 0 && warpsN > 0 && issueShare > 0
    if !valid { reader.error("a tile needs positive extents, at least two stages and a positive issue-share") }
    reader.finish()
  }
}
