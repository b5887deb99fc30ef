internal import CBLAS
internal import IR

/// A convolution as matrix products over blocks of unfolded input, or directly for one filter per channel.
///
/// A block is a run of output lines (or a part of one line) of one image and group, with some of its filters.
struct ConvolutionLoops {
  let g: Convolution
  let channels: Int
  let filters: Int
  let taps: Int
  let inPlane: Int
  let outPlane: Int
  private let tapIndices: [[Int]]

  /// One matrix product: filters [m, k] times unfolded input [k, n], whose result lies in rows `rowStride` apart.
  struct Product {
    var m: Int
    var n: Int
    var k: Int
    var a: UnsafePointer<Float>
    var b: UnsafePointer<Float>
    var bStride: Int
    var output: Int
    var rowStride: Int
    var firstFilter: Int
  }

  private struct Block {
    var line: Int
    var lines: Int
    var column: Int
    var columns: Int
    var count: Int { lines * columns }
  }

  init(_ geometry: Convolution) {
    g = geometry
    channels = g.inputChannels / g.groups
    filters = g.outputChannels / g.groups
    taps = g.kernel.reduce(1, *)
    inPlane = g.input.reduce(1, *)
    outPlane = g.output.reduce(1, *)
    tapIndices = (0..<taps).map { ConvolutionLoops.indices($0, geometry.kernel) }
  }

  /// One input channel per filter: products would have a single row.
  var isDirect: Bool { channels == 1 && filters <= 2 && g.input.count <= 2 }

  private var isPointwise: Bool {
    taps == 1 && g.strides.allSatisfy { $0 == 1 } && (g.padsBegin + g.padsEnd).allSatisfy { $0 == 0 }
  }

  /// Calls `body(product, scratch)` for every product; `scratch` has room for the product's result.
  func forEachProduct(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ parallel: Parallel, _ body: (Product, UnsafeMutablePointer<Float>) -> Void
  ) {
    let depth = channels * taps
    let blocks = blocks(depth)
    let stacks = g.images * g.groups
    let height = filterBlock(stacks * blocks.count)
    let filterBlocks = (filters + height - 1) / height
    let widest = blocks.map(\.count).max() ?? 0
    let unfolded = isPointwise ? 0 : depth * widest
    parallel.forEach(stacks * blocks.count * filterBlocks, scratch: unfolded + height * widest) { piece, scratch in
      let block = blocks[piece / filterBlocks % blocks.count]
      let stack = piece / filterBlocks / blocks.count
      let first = piece % filterBlocks * height
      let (image, group) = (stack / g.groups, stack % g.groups)
      let input = x + (image * g.inputChannels + group * channels) * inPlane
      let position = block.line * (g.output.last ?? 1) + block.column
      if !isPointwise { unfold(input, block, scratch) }
      let filter = group * filters + first
      body(
        Product(
          m: min(height, filters - first), n: block.count, k: depth, a: w + filter * depth,
          b: isPointwise ? input + position : UnsafePointer(scratch), bStride: isPointwise ? inPlane : block.count,
          output: (image * g.outputChannels + filter) * outPlane + position, rowStride: outPlane, firstFilter: filter),
        scratch + unfolded)
    }
  }

  /// Blocks of about one mebibyte of unfolded input.
  private func blocks(_ depth: Int) -> [Block] {
    let width = g.output.last ?? 1
    guard outPlane > 0 else { return [] }
    let target = max(64, 262_144 / max(depth, 1))
    var blocks: [Block] = []
    if width > target {
      let parts = (width + target - 1) / target
      let size = (width + parts - 1) / parts
      for line in 0..<outPlane / width {
        for column in stride(from: 0, to: width, by: size) {
          blocks.append(Block(line: line, lines: 1, column: column, columns: min(size, width - column)))
        }
      }
      return blocks
    }
    let lines = outPlane / width
    let parts = (lines + target / width - 1) / (target / width)
    let size = (lines + parts - 1) / parts
    for line in stride(from: 0, to: lines, by: size) {
      blocks.append(Block(line: line, lines: min(size, lines - line), column: 0, columns: width))
    }
    return blocks
  }

  /// Filters per product: fewer where there would be too few pieces to share out.
  private func filterBlock(_ pieces: Int) -> Int {
    guard pieces < 4, filters >= 64 else { return filters }
    return (filters / (4 / max(pieces, 1)) + 15) / 16 * 16
  }

  /// rows [channel, tap], columns [output position]; zero where a tap lies in the padding.
  private func unfold(_ x: UnsafePointer<Float>, _ block: Block, _ rows: UnsafeMutablePointer<Float>) {
    let axis = g.input.count - 1
    let offsets = tapIndices.map { tap in (block.line..<block.line + block.lines).map { lineOffset($0, tap) ?? -1 } }
    for channel in 0..<channels {
      for tap in 0..<taps {
        let row = rows + (channel * taps + tap) * block.count
        let start = tapIndices[tap][axis] * g.dilations[axis] - g.padsBegin[axis] + block.column * g.strides[axis]
        let (first, end) = span(start, g.strides[axis], g.input[axis], block.columns)
        for line in 0..<block.lines {
          let target = row + line * block.columns
          let offset = offsets[tap][line]
          guard offset >= 0, end > first else {
            target.update(repeating: 0, count: block.columns)
            continue
          }
          let source = x + channel * inPlane + offset + start
          if first > 0 { target.update(repeating: 0, count: first) }
          if g.strides[axis] == 1 {
            (target + first).update(from: source + first, count: end - first)
          } else {
            for column in first..<end { target[column] = source[column * g.strides[axis]] }
          }
          if end < block.columns { (target + end).update(repeating: 0, count: block.columns - end) }
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
    let start = tapIndices[tap][axis] * g.dilations[axis] - g.padsBegin[axis]
    let (first, end) = span(start, g.strides[axis], g.input[axis], width)
    guard end > first else { return }
    for line in 0..<outPlane / max(width, 1) {
      guard let offset = lineOffset(line, tapIndices[tap]) else { continue }
      body(offset + start + first * g.strides[axis], g.strides[axis], line * width + first, end - first)
    }
  }

  /// One input channel per group: accumulate tap by tap, line by line.
  func direct(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ bias: [Float]?, _ y: UnsafeMutablePointer<Float>, _ parallel: Parallel
  ) {
    let planes = max(1, 65_536 / max(1, outPlane * taps))
    parallel.forEachRange(g.images * g.outputChannels, of: planes) { range in
      for plane in range { direct(plane, x, w, bias, y + plane * outPlane) }
    }
  }

  private func direct(
    _ plane: Int, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ bias: [Float]?, _ target: UnsafeMutablePointer<Float>
  ) {
    let (image, filter) = (plane / g.outputChannels, plane % g.outputChannels)
    target.update(repeating: bias?[filter] ?? 0, count: outPlane)
    let input = x + (image * g.inputChannels + filter / filters) * inPlane
    for tap in 0..<taps {
      let weight = w[filter * taps + tap]
      forEachLine(ofTap: tap) { offset, stride, position, length in
        let (source, row) = (input + offset, target + position)
        if stride == 1 {
          for column in 0..<length { row[column] += weight * source[column] }
        } else if stride == 2 {
          for column in 0..<length { row[column] += weight * source[column * 2] }
        } else {
          for column in 0..<length { row[column] += weight * source[column * stride] }
        }
      }
    }
  }

  private static func indices(_ position: Int, _ extents: [Int]) -> [Int] {
    var rest = position
    var result = extents
    for axis in extents.indices.reversed() {
      result[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    return result
  }
}
