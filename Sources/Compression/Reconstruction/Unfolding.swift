internal import IR

/// The input of a convolution as rows of its reduction: one row per image and output position, tap by tap, channels innermost.
struct Unfolding {
  private let g: Convolution
  private let channels: Int
  private let taps: [[Int]]
  private let positions: [[Int]]

  init(_ geometry: Convolution) {
    g = geometry
    channels = geometry.inputChannels / geometry.groups
    taps = Unfolding.indices(geometry.kernel)
    positions = Unfolding.indices(geometry.output)
  }

  /// Rows of one group for x [images, channels, spatial…]; zero where a tap lies in the padding.
  func rows(_ x: [Float], group: Int) -> [Float] {
    let plane = g.input.reduce(1, *)
    let width = taps.count * channels
    let sources = positions.map { position in taps.map { offset(position, $0) } }
    return [Float](unsafeUninitializedCapacity: g.images * positions.count * width) { target, count in
      count = g.images * positions.count * width
      x.withUnsafeBufferPointer { x in
        var place = 0
        for image in 0..<g.images {
          let base = (image * g.inputChannels + group * channels) * plane
          for row in sources {
            for source in row {
              for channel in 0..<channels {
                target[place] = source < 0 ? 0 : x[base + channel * plane + source]
                place += 1
              }
            }
          }
        }
      }
    }
  }

  /// Where in a plane a tap reads; −1 in the padding.
  private func offset(_ position: [Int], _ tap: [Int]) -> Int {
    var result = 0
    for axis in g.input.indices {
      let index = position[axis] * g.strides[axis] + tap[axis] * g.dilations[axis] - g.padsBegin[axis]
      guard index >= 0, index < g.input[axis] else { return -1 }
      result = result * g.input[axis] + index
    }
    return result
  }

  private static func indices(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { all, extent in all.flatMap { head in (0..<extent).map { head + [$0] } } }
  }
}
