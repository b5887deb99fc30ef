internal import Hardware
internal import Synchronization

/// Tool profiles that were read before: variants of one target share their `<tool>` elements, which hold most of its numbers.
///
/// Elements are found by comparison, which is quick because copies of a value share their storage.
final class ProfileCache: Sendable {
  static let shared = ProfileCache()

  private struct Entry: Sendable {
    var element: MachineElement
    var profile: ImplementationProfile
    var numbers: [ReadNumber]
  }

  private let entries = Mutex<[Entry]>([])
  /// Profiles kept; a target has fewer than ten.
  private static let limit = 64

  /// The profile of `<tool>`, with its numbers in the log; a profile with mistakes is read again every time.
  func profile(_ reader: ElementReader, _ log: ReadingLog) -> ImplementationProfile {
    let element = reader.element
    if let known = entries.withLock({ entries in entries.first { $0.element == element } }) {
      log.note(known.numbers)
      return known.profile
    }
    let (before, faults) = (log.numbers.count, log.diagnostics.count)
    let profile = ImplementationProfile(reader)
    // Without a basis of its own the element's numbers have that of whatever stands around it.
    guard log.diagnostics.count == faults, element[attribute: "basis"] != nil, element[attribute: "source"] != nil else { return profile }
    let entry = Entry(element: element, profile: profile, numbers: Array(log.numbers[before...]))
    entries.withLock { entries in
      if entries.count == Self.limit { entries.removeFirst() }
      entries.append(entry)
    }
    return profile
  }
}
