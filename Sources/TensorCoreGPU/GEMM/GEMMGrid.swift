/// How one candidate cuts a product: tiles, parts of the reduction axis, and waves of thread blocks over the slots.
struct GEMMGrid: Sendable {
  let tilesM: Double
  let tilesN: Double
  let tiles: Double
  /// Parts that were asked for, and parts that come out when each is whole steps.
  let parts: Double
  let split: Double
  /// Main-loop steps of the whole reduction axis, and of one block.
  let allSteps: Double
  let steps: Double
  let blocks: Double
  /// Waves that fill every slot, before the last one.
  let fullWaves: Double
  /// Blocks of the first and of the last wave.
  let firstBlocks: Double
  let lastBlocks: Double

  /// blocks = ⌈m / tile m⌉ · ⌈n / tile n⌉ · batch · split.
  init(_ cost: GEMMTileCost, parts: Double, _ traffic: GEMMTraffic) {
    self.parts = parts
    tilesM = (traffic.m / cost.m).rounded(.up)
    tilesN = (traffic.n / cost.n).rounded(.up)
    tiles = tilesM * tilesN * Double(traffic.shape.batch)
    allSteps = (traffic.k / cost.stepK).rounded(.up)
    steps = (allSteps / parts).rounded(.up)
    split = (allSteps / steps).rounded(.up)
    blocks = tiles * split
    fullWaves = ((blocks - 1) / cost.slots).rounded(.down)
    lastBlocks = blocks - fullWaves * cost.slots
    firstBlocks = fullWaves > 0 ? cost.slots : lastBlocks
  }

  /// Distinct bytes of A and of B that `wave` blocks ask for per step: those that run together form a patch of tiles as near to a
  /// square, in bytes, as the grid allows.
  func distinctBytes(_ wave: Double, _ cost: GEMMTileCost, _ traffic: GEMMTraffic) -> (a: Double, b: Double) {
    let together = min(max(wave / split, 1), tilesM * tilesN)
    let copies = wave / together
    var rows = min(max((together * cost.bBytes / cost.aBytes).squareRoot(), 1), tilesM)
    let columns = min(max(together / rows, 1), tilesN)
    rows = min(max(together / columns, 1), tilesM)
    return (
      min(rows, traffic.m / cost.m) * cost.aBytes * copies * traffic.distinctShare,
      min(columns, traffic.n / cost.n) * cost.bBytes * copies
    )
  }
}
