package import Results

/// A measured profile matched with the kernels of a result by source nodes.
package struct Overlay: Sendable {
  package struct Match: Sendable {
    package var kernels: [KernelResult]
    package var layers: [MeasuredProfile.Layer]
    /// In seconds, or in cycles when the tool counts those.
    package var predicted: Double
    package var measured: Double

    /// Predicted over measured, minus one.
    package var error: Double? { measured > 0 ? predicted / measured - 1 : nil }
  }

  package let profile: MeasuredProfile
  package let matches: [Match]
  /// Layers of the profile that no kernel shares a source node with: reformats, casts, host copies.
  package let unmatchedLayers: [MeasuredProfile.Layer]
  package let unmatchedKernels: [KernelResult]
  /// True when the numbers are cycles.
  package let countsCycles: Bool
  private let placeOfKernel: [Int: Int]

  package init(_ result: RunResult, _ profile: MeasuredProfile) {
    self.profile = profile
    let inCycles = profile.tool == .vela
    countsCycles = inCycles
    let groups = OriginGroups.match(result.kernels.map(\.origin), RegionSources(result).sources(of: profile.layers))
    var matches: [Match] = []
    var loneLayers: [MeasuredProfile.Layer] = []
    var loneKernels: [KernelResult] = []
    var places: [Int: Int] = [:]
    for group in groups {
      let kernels = group.first.map { result.kernels[$0] }
      let layers = group.second.map { profile.layers[$0] }
      guard !kernels.isEmpty else {
        loneLayers += layers
        continue
      }
      guard !layers.isEmpty else {
        loneKernels += kernels
        continue
      }
      for kernel in kernels { places[kernel.id] = matches.count }
      matches.append(
        Match(
          kernels: kernels, layers: layers,
          predicted: kernels.reduce(0) { $0 + (inCycles ? Double($1.cycles) : $1.latencySeconds) },
          measured: layers.reduce(0) { $0 + ((inCycles ? $1.cycles : $1.seconds) ?? 0) }))
    }
    self.matches = matches
    unmatchedLayers = loneLayers
    unmatchedKernels = loneKernels
    placeOfKernel = places
  }

  /// What was measured for a kernel, possibly together with others.
  package func match(ofKernel id: Int) -> Match? { placeOfKernel[id].map { matches[$0] } }
}
