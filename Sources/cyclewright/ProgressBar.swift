import Basic
import Dispatch
import Foundation
import Synchronization

/// One line on standard error that says what is being done, once that takes more than a second; nothing when it is no terminal.
final class ProgressBar: Sendable {
  private struct State {
    var line = ""
    var isVisible = false
    var isDone = false
  }

  private let isShown = isatty(2) == 1
  private let state = Mutex(State())

  init() {
    guard isShown else { return }
    // A long first step reports once, before the second is over: what it said is shown then.
    DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in
      self?.state.withLock { state in
        guard !state.isDone else { return }
        state.isVisible = true
        Self.write(state.line)
      }
    }
  }

  func show(_ title: String, _ share: Double) {
    guard isShown else { return }
    let filled = Int((min(max(share, 0), 1) * 30).rounded())
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
    let line = "\r\u{1B}[K[\(bar)] \(Int(share * 100)) % \(title)"
    state.withLock { state in
      guard state.line != line else { return }
      state.line = line
      if state.isVisible { Self.write(line) }
    }
  }

  /// Takes the line away; nothing is shown afterwards.
  func clear() {
    state.withLock { state in
      state.isDone = true
      if state.isVisible { Self.write("\r\u{1B}[K") }
      state.isVisible = false
    }
  }

  private static func write(_ text: String) { OutputFile.note(text) }
}
