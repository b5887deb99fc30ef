internal import CBLAS
internal import IR

/// A convolution as matrix products over unfolded input, or directly for one filter per channel.
struct ConvolutionLoops {
  let g: Convolution
  let channels: Int
  let filters: Int
  let taps: Int
  let inPlane: Int
  let outPlane: Int

  init(_ geometry: Convolution) {
    g = geometry
    channels = g.inputChannels / g.groups
    filters = g.outputChannels / g.groups
    taps = g.kernel.reduce(1, *)
    inPlane = g.input.reduce(1, *)
    outPlane = g.output.reduce(1, *)
  }

  func run(_ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    if channels == 1, filters <= 2, g.input.count <= 2 {
      direct(x, w, y)
      return
    }
    let isPointwise = taps == 1 && g.strides.allSatisfy { $0 == 1 } && (g.padsBegin + g.padsEnd).allSatisfy { $0 == 0 }
    let depth = channels * taps
    let unfolded = isPointwise ? nil : UnsafeMutablePointer<Float>.allocate(capacity: max(1, depth * outPlane))
    defer { unfolded?.deallocate() }
    for image in 0..<g.images {
      for group in 0..<g.groups {
        let input = x + (image * g.inputChannels + group * channels) * inPlane
        if let unfolded { unfold(input, unfolded) }
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(filters), Int32(outPlane), Int32(depth), 1,
          w + group * filters * depth, Int32(depth), unfolded.map { UnsafePointer($0) } ?? input, Int32(outPlane), 0,
          y + (image * g.outputChannels + group * filters) * outPlane, Int32(outPlane))
      }
    }
  }

  /// rows [channel, tap], columns [output position]; zero where a tap lies in the padding.
  private func unfold(_ x: UnsafePointer<Float>, _ rows: UnsafeMutablePointer<Float>) {
    let rank = g.input.count
    let width = g.output[rank - 1]
    let lines = outPlane / max(width, 1)
    for channel in 0..<channels {
      for tap in 0..<taps {
        let row = rows + (channel * taps + tap) * outPlane
        let tapIndex = indices(tap, g.kernel)
        for line in 0..<lines {
          let target = row + line * width
          guard let offset = lineOffset(line, tapIndex) else {
            target.update(repeating: 0, count: width)
            continue
          }
          copyLine(x + channel * inPlane + offset, tapIndex[rank - 1], target, width)
        }
      }
    }
  }

  /// Where the input line of an output line begins; nil in the padding.
  private func lineOffset(_ line: Int, _ tap: [Int]) -> Int? {
    var rest = line
    var offset = 0
    var step = g.input[g.input.count - 1]
    for axis in stride(from: g.input.count - 2, through: 0, by: -1) {
      let position = rest % g.output[axis] * g.strides[axis] + tap[axis] * g.dilations[axis] - g.padsBegin[axis]
      guard position >= 0, position < g.input[axis] else { return nil }
      offset += position * step
      step *= g.input[axis]
      rest /= g.output[axis]
    }
    return offset
  }

  private func copyLine(_ x: UnsafePointer<Float>, _ tap: Int, _ target: UnsafeMutablePointer<Float>, _ width: Int) {
    let axis = g.input.count - 1
    let start = tap * g.dilations[axis] - g.padsBegin[axis]
    let (first, end) = span(start, g.strides[axis], g.input[axis], width)
    target.update(repeating: 0, count: first)
    if g.strides[axis] == 1 {
      if end > first { (target + first).update(from: x + start + first, count: end - first) }
    } else {
      for column in first..<end { target[column] = x[start + column * g.strides[axis]] }
    }
    (target + end).update(repeating: 0, count: width - end)
  }

  /// Columns whose source `start + column·stride` lies within `0..<extent`.
  private func span(_ start: Int, _ stride: Int, _ extent: Int, _ width: Int) -> (first: Int, end: Int) {
    let first = min(width, start >= 0 ? 0 : (-start).ceilingQuotient(stride))
    let end = start >= extent ? 0 : (extent - start).ceilingQuotient(stride)
    return (first, max(first, min(width, end)))
  }

  /// Calls `body(input offset, input step, output offset, length)` for every tap and output line, within one plane.
  @inline(__always)
  func forEachSpan(_ body: (Int, Int, Int, Int) -> Void) {
    for tap in 0..<taps { forEachLine(ofTap: tap, body) }
  }

  @inline(__always)
  private func forEachLine(ofTap tap: Int, _ body: (Int, Int, Int, Int) -> Void) {
    let axis = g.input.count - 1
    let width = g.output[axis]
    let tapIndex = indices(tap, g.kernel)
    let start = tapIndex[axis] * g.dilations[axis] - g.padsBegin[axis]
    let (first, end) = span(start, g.strides[axis], g.input[axis], width)
    guard end > first else { return }
    for line in 0..<outPlane / max(width, 1) {
      guard let offset = lineOffset(line, tapIndex) else { continue }
      body(offset + start + first * g.strides[axis], g.strides[axis], line * width + first, end - first)
    }
  }

  /// One input channel per group: accumulate tap by tap, line by line.
  private func direct(_ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    for plane in 0..<g.images * g.outputChannels {
      let target = y + plane * outPlane
      target.update(repeating: 0, count: outPlane)
      let (image, filter) = (plane / g.outputChannels, plane % g.outputChannels)
      let input = x + (image * g.inputChannels + filter / filters) * inPlane
      var tap = filter * taps
      for index in 0..<taps {
        let weight = w[tap]
        tap += 1
        forEachLine(ofTap: index) { offset, stride, position, length in
          let (source, row) = (input + offset, target + position)
          if stride == 1 {
            for column in 0..<length { row[column] += weight * source[column] }
          } else {
            for column in 0..<length { row[column] += weight * source[column * stride] }
          }
        }
      }
    }
  }

  private func indices(_ position: Int, _ extents: [Int]) -> [Int] {
    var rest = position
    var result = extents
    for axis in extents.indices.reversed() {
      result[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    return result
  }
}
