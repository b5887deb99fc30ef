/// How well a number is known.
package enum Basis: String, Sendable, Codable, CaseIterable, Comparable {
  /// From a data sheet or the vendor's manual.
  case documented
  /// From a published measurement of the device.
  case measured
  /// Computed from other numbers of the same file.
  case derived
  /// Taken from a relative of the device, or a rule of thumb.
  case assumed

  package static func < (a: Basis, b: Basis) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .documented: 0
    case .measured: 1
    case .derived: 2
    case .assumed: 3
    }
  }
}
