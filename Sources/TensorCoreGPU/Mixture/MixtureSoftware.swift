package import Hardware

/// Costs of a fused mixture-of-experts layer: routing, gathering, grouped products, activation and the weighted sum.
package struct MixtureSoftware: Sendable, Hashable {
  package var name: String
  /// All kernels with no work and the gaps between them, in seconds.
  package var launch: Double
  /// As `launch` when scales of blocks are applied in the main loop.
  package var blockScaledLaunch: Double
  /// Per token: choosing experts and building the order of rows, in seconds.
  package var routePerToken: Double
  /// Per expert of all ranks: counting and sorting, in seconds.
  package var routePerExpert: Double
  /// Per expert of this rank: every block of a grouped product walks over the list of problems, in seconds.
  package var problemPerExpert: Double
  /// As `problemPerExpert` with block scales.
  package var blockScaledProblemPerExpert: Double
  /// Share of the pin rate at which weights of touched experts are read.
  package var weightEfficiency: Double
  /// Share of the pin rate of gathering, scattering and activation passes over rows.
  package var rowEfficiency: Double
  /// Share of the matrix issue rate that grouped products reach with full tiles.
  package var issueShare: Double
  /// As `issueShare` when scales of blocks are applied in the main loop.
  package var blockScaledIssueShare: Double
  /// Share of the shorter of multiplying and reading weights that the longer one does not hide.
  package var exposedShare: Double
  /// Start and end of one tile, in seconds.
  package var tileOverhead: Double
  /// Growth of the issue share with the area of a tile: share · (area / 128²)^exponent.
  package var areaExponent: Double
  /// Waves of tiles from which their ends have spread.
  package var wholeWaves: Double
  /// Rows and columns of the tiles an autotuner chooses from.
  package var tiles: [Tile]

  package struct Tile: Sendable, Hashable {
    package var rows: Int
    package var columns: Int
  }

  /// Reads `<mixture library="…">`; mistakes go to the reader's log.
  package init(_ reader: ElementReader) {
    name = reader.string("library")
    launch = reader.number("launch", .seconds).value
    routePerToken = reader.number("route-per-token", .seconds).value
    blockScaledLaunch = reader.number("block-scaled-launch", .seconds).value
    routePerExpert = reader.number("route-per-expert", .seconds).value
    problemPerExpert = reader.number("problem-per-expert", .seconds).value
    blockScaledProblemPerExpert = reader.number("block-scaled-problem-per-expert", .seconds).value
    weightEfficiency = reader.number("weight-efficiency", .ratio, in: .efficiency).value
    rowEfficiency = reader.number("row-efficiency", .ratio, in: .efficiency).value
    issueShare = reader.number("issue-share", .ratio, in: .efficiency).value
    blockScaledIssueShare = reader.number("block-scaled-issue-share", .ratio, in: .efficiency).value
    exposedShare = reader.number("exposed-share", .ratio, in: .share).value
    tileOverhead = reader.number("tile-overhead", .seconds).value
    areaExponent = reader.number("area-exponent", .none, in: 0...10).value
    wholeWaves = reader.number("whole-waves", .none).value
    tiles = reader.children("tile").map { row in
      defer { row.finish() }
      return Tile(rows: row.integerAttribute("rows", in: .extents), columns: row.integerAttribute("columns", in: .extents))
    }
    if tiles.isEmpty { reader.error("<mixture> has no <tile>") }
    reader.finish()
  }
}
