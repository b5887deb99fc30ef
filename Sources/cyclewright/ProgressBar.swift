import Foundation
import Synchronization

/// One line on standard error that says what is being done; nothing when that is no terminal.
final class ProgressBar: Sendable {
  private let isShown = isatty(2) == 1
  private let last = Mutex("")

  func show(_ title: String, _ share: Double) {
    guard isShown else { return }
    let filled = Int((min(max(share, 0), 1) * 30).rounded())
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
    let line = "\r\u{1B}[K[\(bar)] \(Int(share * 100)) % \(title)"
    last.withLock { shown in
      guard shown != line else { return }
      shown = line
      FileHandle.standardError.write(Data(line.utf8))
    }
  }

  func clear() {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}
