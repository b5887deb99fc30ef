package import Hardware

/// One library of fused attention kernels: which tiles it has and what its code costs. Clocks are of one SM.
package struct AttentionLibrary: Sendable, Hashable {
  package var name: String
  /// Share of the pin rate at which long caches are read.
  package var memoryEfficiency: Double
  /// Share of the pin rate at which a decode kernel's small operands come and go: queries, the new key and value, results.
  package var operandEfficiency: Double
  /// Rounds of decode blocks over the SMs from which their ends have spread.
  package var decodeWholeWaves: Double
  package var prefill: PrefillKernels
  /// In order of preference; the first that serves a shape is taken.
  package var decode: [DecodeKernel]

  /// Reads `<library name="…">`; mistakes go to the reader's log.
  package init(_ reader: ElementReader) {
    name = reader.name
    memoryEfficiency = reader.number("memory-efficiency", .ratio, in: .efficiency).value
    operandEfficiency = reader.number("decode-operand-efficiency", .ratio, in: .efficiency).value
    decodeWholeWaves = reader.number("decode-whole-waves", .none).value
    prefill = reader.child("prefill").map(PrefillKernels.init) ?? PrefillKernels()
    decode = reader.children("decode").map(DecodeKernel.init)
    if decode.isEmpty { reader.error("<library> has no <decode> kernel") }
    reader.finish()
  }
}

/// Kernels for many queries: a block holds a tile of queries and walks over the keys with an online softmax.
package struct PrefillKernels: Sendable, Hashable {
  /// Kernels around the attention itself and the gaps between them, in seconds.
  package var launch = 0.0
  /// Share of the pin rate at which queries, keys and values are rearranged and the cache is written; 0 when they are not.
  package var rearrangeEfficiency = 0.0
  /// What a byte of keys and values costs there against one of queries: the blocks that rotate queries take them along.
  package var rearrangeKeyShare = 1.0
  /// Share of the rearranging left without a causal mask: encoders neither rotate nor write a cache.
  package var unmaskedRearrange = 1.0
  /// Clocks of the special-function unit per score for maximum, exponential, sum and conversion, not hidden by the products.
  package var softmaxCost = 0.0
  /// Share of the shorter of products and softmax that runs beside the longer: 0 when one warpgroup does both in turn.
  package var softmaxOverlap = 0.0
  /// As `softmaxCost`, additionally for scores of a block that the diagonal crosses.
  package var maskCost = 0.0
  /// As `maskCost` for scores of a block that the far edge of a window crosses, by bits of the format.
  package var windowCost16 = 0.0
  package var windowCost8 = 0.0
  /// Clocks from a block's start to its first product and from its last to its end, and more per 128 of head dimension.
  package var blockStart = 0.0
  package var blockStartPerDimension = 0.0
  /// Share of the longest block's time that the end of the kernel waits for it.
  package var tail = 0.0
  /// Blocks per SM from which their ends have spread, without a mask.
  package var wholeWaves = 0.0
  /// Time of a block alone on its SM against sharing it with its residents.
  package var soloShare = 1.0
  /// Blocks on one SM.
  package var residency = 1.0
  /// Single queries without a cache go to the decode kernels too.
  package var leavesSingleQueries = false
  /// Rows of one warpgroup: a tile with no more rows than this does half its work; 0 when warps share all rows.
  package var warpgroupRows = 0
  package var tiles: [PrefillTile] = []

  package init() {}

  package init(_ reader: ElementReader) {
    launch = reader.number("launch", .seconds).value
    rearrangeEfficiency = reader.number("rearrange-efficiency", .ratio, in: .efficiency, orZero: true).value
    rearrangeKeyShare = reader.optionalNumber("rearrange-key-share", .ratio, in: .share)?.value ?? 1
    unmaskedRearrange = reader.optionalNumber("unmasked-rearrange", .ratio, in: .share)?.value ?? 1
    softmaxCost = reader.number("softmax-cost", .none).value
    softmaxOverlap = reader.optionalNumber("softmax-overlap", .ratio, in: .share)?.value ?? 0
    maskCost = reader.number("mask-cost", .none).value
    windowCost16 = reader.number("window-cost-16", .none).value
    windowCost8 = reader.number("window-cost-8", .none).value
    blockStart = reader.number("block-start", .cycles).value
    blockStartPerDimension = reader.number("block-start-per-128", .cycles).value
    tail = reader.number("tail", .ratio).value
    wholeWaves = reader.number("whole-waves", .none).value
    soloShare = reader.number("solo-share", .ratio, in: .factor).value
    residency = reader.number("residency", .none, in: .factor).value
    leavesSingleQueries = reader.word("single-query", SingleQuery.self) == .decode
    warpgroupRows = reader.integer("warpgroup-rows").value
    tiles = reader.children("tile").map { row in
      defer { row.finish() }
      return PrefillTile(
        headDimension: row.integerAttribute("head-dimension", in: .extents), bits: row.integerAttribute("bits", in: .extents),
        queries: row.integerAttribute("queries", in: .extents), keys: row.integerAttribute("keys", in: .extents),
        issueShare: row.attribute("issue-share", .ratio, in: .efficiency))
    }
    if tiles.isEmpty { reader.error("<prefill> has no <tile>") }
    reader.finish()
  }
}

/// One compiled tile: head dimensions up to its own are padded to it.
package struct PrefillTile: Sendable, Hashable {
  package var headDimension: Int
  /// Widest stored format it takes.
  package var bits: Int
  package var queries: Int
  package var keys: Int
  /// Share of the matrix issue rate its products reach.
  package var issueShare: Double
}

/// Which kernels take single queries without a cache.
private enum SingleQuery: String, CaseIterable { case prefill, decode }
/// What takes the heads that one pass over the keys does not hold.
private enum MoreHeads: String, CaseIterable { case blocks, passes }
/// What the rate of a decode kernel counts.
private enum RateOf: String, CaseIterable { case elements, bytes }

/// A kernel for one query per sequence: blocks read the cache once, in pieces when there are few sequences.
package struct DecodeKernel: Sendable, Hashable {
  /// What one block serves.
  package enum Grid: String, Sendable, CaseIterable {
    /// All query heads that share a key head: keys are read once.
    case keyHead = "key-head"
    /// One query head: shared keys are read again from the L2.
    case queryHead = "query-head"
  }

  /// How the cache of a sequence is cut into pieces.
  package enum Split: String, Sendable, CaseIterable {
    case none
    /// As many pieces as fill the SMs `waves` times.
    case waves
    /// The fewest pieces within 15 % of the best balance over two blocks per SM.
    case balance
  }

  package var name: String
  package var grid: Grid
  /// Query heads per key head it serves.
  package var groups: ClosedRange<Int>
  /// Widest stored key format it takes.
  package var bits: Int
  /// For latent attention only: values are the first features of the keys, which are read once for both.
  package var isLatent: Bool
  /// Query heads one pass over the keys holds.
  package var groupRows: Int
  /// More heads than `groupRows` take further blocks (true) or further passes of the same block (false).
  package var addsBlocks: Bool
  package var keysPerStep: Int
  package var split: Split
  package var splitKeys: Int
  package var splitWaves: Double
  /// Given when pieces are cut over the whole cache even though a window hides most of it: the share of a block's start that a
  /// piece without a visible key takes.
  package var hiddenStart: Double?
  /// Kernels beside this one and the gaps between them, in seconds; plus `splitLaunch` when results are merged.
  package var launch: Double
  package var splitLaunch: Double
  /// Rearranging queries and results when several sequences have several key heads each, in seconds.
  package var regroupLaunch: Double
  /// A separate kernel that rotates and stores the new key below this head dimension, in seconds.
  package var prepareLaunch: Double
  package var prepareBelow: Int
  package var blockStart: Double
  package var blockStartPerDimension: Double
  /// Elements of keys and values, or bytes when `countsBytes`, that one SM takes per clock.
  package var rate: Double
  package var countsBytes: Bool
  /// Share of the first pass that each further one costs.
  package var passCost: Double
  /// Blocks that make progress side by side on one SM.
  package var residency: Double

  package init(_ reader: ElementReader) {
    name = reader.name
    grid = reader.choice("grid", of: Grid.self) ?? .keyHead
    let low = reader.integerAttribute("groups-from", in: .extents)
    groups = low...reader.integerAttribute("groups-to", in: low...ClosedRange<Int>.extents.upperBound)
    bits = reader.integerAttribute("bits", in: .extents)
    isLatent = reader.optionalFlagAttribute("latent")
    groupRows = reader.integerAttribute("group-rows", in: .extents)
    addsBlocks = reader.choice("more-heads", of: MoreHeads.self) == .blocks
    keysPerStep = reader.integerAttribute("keys-per-step", in: .extents)
    split = reader.choice("split", of: Split.self) ?? .none
    splitKeys = reader.integer("split-keys", in: .extents).value
    splitWaves = reader.number("split-waves", .none, in: .factor).value
    launch = reader.number("launch", .seconds).value
    splitLaunch = reader.number("split-launch", .seconds).value
    regroupLaunch = reader.number("regroup-launch", .seconds).value
    prepareLaunch = reader.number("prepare-launch", .seconds).value
    prepareBelow = reader.integer("prepare-below").value
    blockStart = reader.number("block-start", .cycles).value
    blockStartPerDimension = reader.number("block-start-per-128", .cycles).value
    rate = reader.number("rate", .none, in: .factor).value
    countsBytes = reader.choice("rate-of", of: RateOf.self) == .bytes
    passCost = reader.number("pass-cost", .ratio).value
    residency = reader.number("residency", .none, in: .factor).value
    hiddenStart = reader.optionalNumber("hidden-start", .ratio, in: .share)?.value
    reader.finish()
  }

  package func serves(_ shape: AttentionShape) -> Bool {
    groups.contains(shape.group) && shape.keyBits <= bits && isLatent == shape.isLatent
  }
}
