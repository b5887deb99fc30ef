internal import Basic
internal import IR

/// A constant of which only some elements are stored: levels of dense or compressed axes, blocks as further levels.
///
/// Every level says which indices of one axis follow; the stored values are the leaves in order (tensor-compiler format of
/// Kjolstad et al., "The Tensor Algebra Compiler", OOPSLA 2017, as the TFLite schema writes it).
struct SparseTensor {
  private struct Level {
    /// Number of indices of the axis.
    var extent: Int
    /// Elements of the dense tensor from one index to the next.
    var stride: Int
    /// Where the indices of each node begin, and the indices; nil when all follow.
    var compressed: (segments: [Int], indices: [Int])?
  }

  /// Elements a tensor may have when spread out.
  private static let limit = 1 << 26

  private let type: TensorType
  private let levels: [Level]
  private let name: String
  private let table: FlatTable

  init(_ table: FlatTable, type: TensorType, name: String) throws(Failure) {
    self.table = table
    self.type = type
    self.name = name
    func malformed(_ message: String) -> Failure {
      table.buffer.malformed("sparse tensor '\(name)': \(message)", at: table.position)
    }
    let shape = type.constantShape ?? []
    let order = try table.numbers(0, as: Int32.self, "a traversal order") ?? []
    let blocked = try table.numbers(1, as: Int32.self, "a block map") ?? []
    let metadata = try table.tables(2, "dimensions of a sparse tensor")
    guard blocked.allSatisfy(shape.indices.contains), Set(blocked).count == blocked.count,
      order.sorted() == Array(0..<(shape.count + blocked.count)), metadata.count == order.count
    else { throw malformed("its axes, blocks and order do not fit its shape \(shape)") }
    guard (type.elementCount ?? .max) <= Self.limit, type.element.bits % 8 == 0 else {
      throw malformed("\(shape) of \(type.element.rawValue) cannot be spread out")
    }
    // The extent of a block is that of its own level.
    var block = [Int](repeating: 1, count: shape.count)
    for (level, axis) in order.enumerated() where axis >= shape.count {
      block[blocked[axis - shape.count]] = try metadata[level].integer(1)
    }
    guard zip(shape, block).allSatisfy({ $1 > 0 && $0 % $1 == 0 }) else { throw malformed("blocks of \(block) do not divide \(shape)") }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    var levels: [Level] = []
    for (level, axis) in order.enumerated() {
      let isBlock = axis >= shape.count
      let own = isBlock ? blocked[axis - shape.count] : axis
      levels.append(
        Level(
          extent: isBlock ? block[own] : shape[own] / block[own], stride: strides[own] * (isBlock ? 1 : block[own]),
          compressed: try metadata[level].code(0) == 0 ? nil : try Self.compressed(metadata[level])))
    }
    self.levels = levels
  }

  private static func compressed(_ table: FlatTable) throws(Failure) -> (segments: [Int], indices: [Int]) {
    (try vector(table, 2), try vector(table, 4))
  }

  /// A vector of one of three widths; the slot before says which.
  private static func vector(_ table: FlatTable, _ slot: Int) throws(Failure) -> [Int] {
    let width = try table.number(slot, as: UInt8.self)
    guard let inner = try table.table(slot + 1, "indices of a sparse tensor") else { return [] }
    switch width {
    case 1: return try inner.numbers(0, as: Int32.self, "indices") ?? []
    case 2: return try inner.numbers(0, as: UInt16.self, "indices") ?? []
    case 3: return try inner.numbers(0, as: UInt8.self, "indices") ?? []
    default: return []
    }
  }

  /// The whole tensor, zero where nothing is stored.
  func dense(_ file: MappedFile, _ values: Range<Int>) throws(Failure) -> Constant {
    let width = type.element.bits / 8
    let count = type.elementCount ?? 0
    let offsets = try offsets(limit: values.count / width)
    guard offsets.count * width == values.count, offsets.allSatisfy({ $0 < count }) else {
      throw malformed("\(offsets.count) elements are described where \(values.count) bytes are there")
    }
    var bytes = [UInt8](repeating: 0, count: count * width)
    file.withBytes(values) { source in
      for (index, offset) in offsets.enumerated() {
        for byte in 0..<width { bytes[offset * width + byte] = source[index * width + byte] }
      }
    }
    return Constant(type, .bytes(TensorData(.inline(bytes))))
  }

  /// The place of every stored element, level by level. No level has more nodes than elements are stored, but for trailing
  /// empty ones, which have as many as their segments list.
  private func offsets(limit: Int) throws(Failure) -> [Int] {
    var nodes = [0]
    for level in levels {
      var next: [Int] = []
      if let (segments, indices) = level.compressed {
        guard segments.count == nodes.count + 1 else { throw malformed("\(segments.count) segments for \(nodes.count) nodes") }
        for (node, base) in nodes.enumerated() {
          let (start, end) = (segments[node], segments[node + 1])
          guard start >= 0, start <= end, end <= indices.count else { throw malformed("a segment lies outside the indices") }
          for index in indices[start..<end] {
            guard index >= 0, index < level.extent else { throw malformed("index \(index) of \(level.extent)") }
            next.append(base + index * level.stride)
          }
        }
      } else {
        let (count, overflow) = nodes.count.multipliedReportingOverflow(by: level.extent)
        guard !overflow, count <= max(limit, table.buffer.file.count) else { throw malformed("it describes more elements than are there") }
        next.reserveCapacity(count)
        for base in nodes { for index in 0..<level.extent { next.append(base + index * level.stride) } }
      }
      nodes = next
    }
    return nodes
  }

  private func malformed(_ message: String) -> Failure {
    table.buffer.malformed("sparse tensor '\(name)': \(message)", at: table.position)
  }
}
