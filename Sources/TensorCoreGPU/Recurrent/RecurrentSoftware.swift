package import Hardware

/// How the library runs LSTM, GRU and plain recurrent layers.
package struct RecurrentSoftware: Sendable, Hashable {
  package var name: String
  /// All blocks of a grid wait for each other, in seconds: what a persistent kernel pays per time step.
  package var barrier: Double
  /// Share of the registers and shared memory of the chip that recurrent weights can stay in.
  package var residentShare: Double
  /// Share of the recurrent weights that lies in shared memory and is read anew in every step.
  package var fedShare: Double

  /// Reads `<recurrent library="…">`; mistakes go to the reader's log.
  package init(_ reader: ElementReader) {
    name = reader.string("library")
    barrier = reader.number("barrier", .seconds).value
    residentShare = reader.number("resident-share", .ratio, in: .share).value
    fedShare = reader.number("fed-share", .ratio, in: .share).value
    reader.finish()
  }
}
