package import IR

/// The plain loops of a convolution: the reference that faster ones are checked against.
package struct SlidingWindow {
  private let geometry: Convolution

  package init(_ geometry: Convolution) { self.geometry = geometry }

  /// y += conv(x, w), all row-major: x [n, c, spatial], w [f, c/groups, taps], y [n, f, spatial].
  package func accumulate(_ x: [Double], _ w: [Double], into y: inout [Double]) {
    let g = geometry
    let inPlane = g.input.reduce(1, *)
    let outPlane = g.output.reduce(1, *)
    let taps = g.kernel.reduce(1, *)
    let channels = g.inputChannels / g.groups
    let filters = g.outputChannels / g.groups
    for tap in 0..<taps {
      // For a fixed tap, where each output position reads; -1 in the padding.
      let source = (0..<outPlane).map { inputOffset(output: $0, tap: tap) }
      for image in 0..<g.images {
        for group in 0..<g.groups {
          for filter in 0..<filters {
            let outBase = (image * g.outputChannels + group * filters + filter) * outPlane
            for channel in 0..<channels {
              let weight = w[((group * filters + filter) * channels + channel) * taps + tap]
              let inBase = (image * g.inputChannels + group * channels + channel) * inPlane
              for position in 0..<outPlane where source[position] >= 0 {
                y[outBase + position] += weight * x[inBase + source[position]]
              }
            }
          }
        }
      }
    }
  }

  /// The transpose of `accumulate`: x += convᵀ(y, w), with the roles (and the shapes) of x and y exchanged.
  package func scatter(_ y: [Double], _ w: [Double], into x: inout [Double]) {
    let g = geometry
    let inPlane = g.input.reduce(1, *)
    let outPlane = g.output.reduce(1, *)
    let taps = g.kernel.reduce(1, *)
    let channels = g.inputChannels / g.groups
    let filters = g.outputChannels / g.groups
    for tap in 0..<taps {
      let target = (0..<outPlane).map { inputOffset(output: $0, tap: tap) }
      for image in 0..<g.images {
        for filter in 0..<g.outputChannels {
          let outBase = (image * g.outputChannels + filter) * outPlane
          for channel in 0..<channels {
            let weight = w[(filter * channels + channel) * taps + tap]
            let inBase = (image * g.inputChannels + filter / filters * channels + channel) * inPlane
            for position in 0..<outPlane where target[position] >= 0 {
              x[inBase + target[position]] += weight * y[outBase + position]
            }
          }
        }
      }
    }
  }

  /// Offset within an input plane that output `output` reads through `tap`, or -1.
  package func inputOffset(output: Int, tap: Int) -> Int {
    var (o, t) = (output, tap)
    var offset = 0
    var step = 1
    for axis in geometry.input.indices.reversed() {
      let position =
        o % geometry.output[axis] * geometry.strides[axis] + t % geometry.kernel[axis] * geometry.dilations[axis] - geometry.padsBegin[axis]
      guard position >= 0, position < geometry.input[axis] else { return -1 }
      offset += position * step
      step *= geometry.input[axis]
      o /= geometry.output[axis]
      t /= geometry.kernel[axis]
    }
    return offset
  }
}
