package import Hardware

/// The links between GPUs of one machine and the library that exchanges tensors over them.
package struct CollectiveSoftware: Sendable, Hashable {
  /// One way to move data: short messages carry flags with every word, long ones fill buffers first.
  package struct Transport: Sendable, Hashable {
    package var name: String
    /// Setting up buffers and channels, in seconds.
    package var start: Double
    /// One step of the ring, in seconds.
    package var hop: Double
    /// Share of the link's rate that payload reaches.
    package var share: Double
  }

  package var name: String
  /// Bytes per second one GPU sends to the others, all links together.
  package var linkBandwidth: Double
  /// A collective of no bytes without any step, in seconds.
  package var launch: Double
  package var transports: [Transport]

  /// Reads `<collectives library="…">`; mistakes go to the reader's log.
  package init(_ reader: ElementReader) {
    name = reader.string("library")
    linkBandwidth = reader.number("link-bandwidth", .bytesPerSecond).value
    launch = reader.number("launch", .seconds).value
    transports = reader.children("transport").map { row in
      defer { row.finish() }
      return Transport(
        name: row.name, start: row.attribute("start", .seconds), hop: row.attribute("hop", .seconds),
        share: row.attribute("share", .ratio, in: .positiveShare))
    }
    if transports.isEmpty { reader.error("<collectives> has no <transport>") }
    reader.finish()
  }
}
