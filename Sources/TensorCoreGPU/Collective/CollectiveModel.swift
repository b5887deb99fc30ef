internal import Basic
internal import Results

/// What GPUs do together.
package enum Collective: String, Sendable, Hashable, CaseIterable {
  case allReduce = "all_reduce"
  case allGather = "all_gather"
  case reduceScatter = "reduce_scatter"
  case allToAll = "alltoall"
}

/// Time of a collective over a ring: the fastest of the library's transports for the size.
package struct CollectiveModel: Sendable {
  package var software: CollectiveSoftware

  /// Share of the time that bytes at the link's full rate must take for it to be called bound by the link: the best transport
  /// reaches two thirds of that rate, so that half of the time it takes is a third. A label of reports; no time depends on it.
  private static let linkShare = 1.0 / 3

  package init(_ software: CollectiveSoftware) { self.software = software }

  /// t = launch + start + hops · hop + sent / (share · link), with `bytes` of the whole tensor over `ranks` GPUs.
  ///
  /// Each GPU sends (n-1)/n of the tensor, twice for an all-reduce, in as many steps; an all-to-all sends to all at once.
  package func estimate(_ collective: Collective, bytes: Double, ranks: Int) -> KernelEstimate {
    let rounds = (ranks - 1) * (collective == .allReduce ? 2 : 1)
    let sent = bytes / Double(max(1, ranks)) * Double(rounds)
    let hops = Double(collective == .allToAll ? min(1, rounds) : rounds)
    var best = Double.infinity
    var choice = ""
    for transport in software.transports {
      let seconds = transport.start + hops * transport.hop + sent / (software.linkBandwidth * transport.share)
      if seconds < best { (best, choice) = (seconds, transport.name) }
    }
    let floor = sent / software.linkBandwidth
    let seconds = software.launch + best
    return KernelEstimate(
      seconds: seconds, floorSeconds: floor, bound: floor > seconds * Self.linkShare ? .link : .launch,
      reason: "\(Format.bytes(sent)) leave each of \(ranks) GPUs in \(Int(hops)) steps",
      choice: "\(software.name) \(choice)",
      memoryBytes: 2 * sent)
  }
}
