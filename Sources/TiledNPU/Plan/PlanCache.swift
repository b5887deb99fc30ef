import Synchronization

/// Tilings and blocks that were found in this process, for every machine: a sweep over one number of a machine asks for most of
/// them again. Both follow from their keys alone, so that it makes no difference which machine asked first.
final class PlanCache: Sendable {
  static let shared = PlanCache()

  struct PlanKey: Hashable {
    var demand: TileDemand
    var buffers: TileBuffers
  }

  struct BlockKey: Hashable {
    var array: BlockArray
    var query: BlockArray.Query
  }

  /// Entries of each kind; further ones are found anew.
  private static let limit = 1 << 16

  private let plans = Mutex<[PlanKey: TilePlan]>([:])
  private let blocks = Mutex<[BlockKey: BlockArray.Configuration]>([:])

  func plan(_ key: PlanKey) -> TilePlan? { plans.withLock { $0[key] } }

  func keep(_ plan: TilePlan, for key: PlanKey) {
    plans.withLock { if $0.count < Self.limit { $0[key] = plan } }
  }

  func block(_ key: BlockKey) -> BlockArray.Configuration? { blocks.withLock { $0[key] } }

  func keep(_ block: BlockArray.Configuration, for key: BlockKey) {
    blocks.withLock { if $0.count < Self.limit { $0[key] = block } }
  }
}
