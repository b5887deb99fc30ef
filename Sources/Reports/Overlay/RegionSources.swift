internal import Results

/// Finds what the regions of a profile hold, of which the tool names the first and the last source node.
struct RegionSources {
  /// Source nodes in the order of the file; of the kernels when the result keeps no outline.
  private let names: [String]
  private let places: [String: Int]

  init(_ result: RunResult) {
    let outline = result.outline.nodes.map(\.name)
    names = outline.isEmpty ? result.kernels.flatMap(\.origin) : outline
    places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
  }

  /// The source nodes of every layer; a node inside of several regions belongs to the first of them.
  func sources(of layers: [MeasuredProfile.Layer]) -> [[String]] {
    // next[i] is the first node from i on that nobody has yet, so that many regions cost no more than one.
    var next = Array(0...names.count)
    func free(from place: Int) -> Int {
      var place = place
      while next[place] != place {
        next[place] = next[next[place]]
        place = next[place]
      }
      return place
    }
    for layer in layers where !layer.isRegion {
      for name in layer.sources { if let place = places[name] { next[place] = place + 1 } }
    }
    return layers.map { layer in
      guard layer.isRegion, let first = layer.sources.first.flatMap({ places[$0] }), let last = layer.sources.last.flatMap({ places[$0] }),
        first <= last
      else { return layer.sources }
      var found: [String] = []
      var place = free(from: first)
      while place <= last {
        found.append(names[place])
        next[place] = place + 1
        place = free(from: place)
      }
      return found
    }
  }
}
