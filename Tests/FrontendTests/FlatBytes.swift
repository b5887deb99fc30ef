/// Writes FlatBuffers by hand, so that tests can make right and wrong model files.
indirect enum Flat {
  case i8(Int)
  case i32(Int)
  case u64(Int)
  case f32(Float)
  case string(String)
  case bytes([UInt8])
  case i32s([Int])
  case i64s([Int])
  case f32s([Float])
  /// Fields by slot.
  case table([Int: Flat])
  case tables([Flat])

  /// A whole file: the offset of the root, the identifier, and everything behind it.
  var file: [UInt8] {
    var writer = FlatWriter(bytes: [0, 0, 0, 0] + Array("TFL3".utf8))
    writer.patch(0, with: writer.write(self))
    return writer.bytes
  }
}

private struct FlatWriter {
  var bytes: [UInt8]

  mutating func patch(_ place: Int, with target: Int) {
    bytes.replaceSubrange(place..<place + 4, with: Self.little(UInt32(target - place)))
  }

  private static func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

  /// Appends something that an offset leads to, and says where it begins.
  mutating func write(_ value: Flat) -> Int {
    let start = bytes.count
    switch value {
    case .table(let fields): return write(fields: fields)
    case .tables(let items):
      bytes += Self.little(UInt32(items.count)) + [UInt8](repeating: 0, count: 4 * items.count)
      for (index, item) in items.enumerated() { patch(start + 4 + 4 * index, with: write(item)) }
    case .string(let text): bytes += Self.little(UInt32(text.utf8.count)) + Array(text.utf8) + [0]
    case .bytes(let data): bytes += Self.little(UInt32(data.count)) + data
    case .i32s(let numbers): bytes += Self.little(UInt32(numbers.count)) + numbers.flatMap { Self.little(Int32($0)) }
    case .i64s(let numbers): bytes += Self.little(UInt32(numbers.count)) + numbers.flatMap { Self.little(Int64($0)) }
    case .f32s(let numbers): bytes += Self.little(UInt32(numbers.count)) + numbers.flatMap { Self.little($0.bitPattern) }
    case .i8, .i32, .u64, .f32: break
    }
    return start
  }

  private mutating func write(fields: [Int: Flat]) -> Int {
    let slots = (fields.keys.max() ?? -1) + 1
    var offsets = [UInt16](repeating: 0, count: slots)
    var inline: [UInt8] = []
    var pending: [(place: Int, value: Flat)] = []
    for (slot, value) in fields.sorted(by: { $0.key < $1.key }) {
      offsets[slot] = UInt16(4 + inline.count)
      switch value {
      case .i8(let number): inline.append(UInt8(bitPattern: Int8(number)))
      case .i32(let number): inline += Self.little(Int32(number))
      case .u64(let number): inline += Self.little(UInt64(number))
      case .f32(let number): inline += Self.little(number.bitPattern)
      default:
        pending.append((4 + inline.count, value))
        inline += [0, 0, 0, 0]
      }
    }
    let layout = bytes.count
    bytes += Self.little(UInt16(4 + 2 * slots)) + Self.little(UInt16(4 + inline.count)) + offsets.flatMap { Self.little($0) }
    let start = bytes.count
    bytes += Self.little(Int32(start - layout)) + inline
    for (place, value) in pending { patch(start + place, with: write(value)) }
    return start
  }
}

/// Pieces of TFLite files.
enum Lite {
  static let (float32, float16, int32, uint8, bool, int16, int8, resource) = (0, 1, 2, 3, 6, 7, 9, 13)

  struct Tensor {
    var name: String
    var type: Int
    var shape: [Int]
    var data: [UInt8] = []
    /// Scales, zero points, and the axis they go along.
    var scales: [Float] = []
    var zeros: [Int] = []
    var axis = 0
    var sparsity: Flat?

    init(_ name: String, _ type: Int, _ shape: [Int], _ data: [UInt8] = [], scales: [Float] = [], zeros: [Int] = [], axis: Int = 0) {
      self.name = name
      self.type = type
      self.shape = shape
      self.data = data
      self.scales = scales
      self.zeros = zeros
      self.axis = axis
    }
  }

  struct Node {
    var code: Int
    var custom = ""
    var inputs: [Int]
    var outputs: [Int]
    var options: [Int: Flat] = [:]
    var customOptions: [UInt8] = []
  }

  static func floats(_ numbers: [Float]) -> [UInt8] { numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } } }
  static func integers(_ numbers: [Int]) -> [UInt8] { numbers.flatMap { number in withUnsafeBytes(of: Int32(number)) { Array($0) } } }
  static func bytes(_ numbers: [Int]) -> [UInt8] { numbers.map { UInt8(bitPattern: Int8($0)) } }

  /// A graph that another one names: its tensors are all computed or given, and its operators have codes of the model.
  struct Region {
    var tensors: [Tensor]
    var code: Int
    var inputs: [Int]
    var operands: [Int]
    var outputs: [Int]
    var results: [Int]
  }

  /// A model of one graph and what its control flow names; tensor i has buffer i + 1.
  static func model(_ tensors: [Tensor], _ nodes: [Node], inputs: [Int], outputs: [Int], regions: [Region] = []) -> Flat {
    let codes = nodes + regions.map { Node(code: $0.code, inputs: [], outputs: []) }
    return .table([
      0: .i32(3),
      1: .tables(codes.map { .table([0: .i8(min($0.code, 127)), 1: .string($0.custom), 3: .i32($0.code)]) }),
      2: .tables(
        [graph(tensors, nodes, inputs: inputs, outputs: outputs)]
          + regions.enumerated().map { graph($1, code: nodes.count + $0) }),
      3: .string("by hand"),
      4: .tables([.table([:])] + tensors.map { .table($0.data.isEmpty ? [:] : [0: .bytes($0.data)]) }),
    ])
  }

  private static func graph(_ tensors: [Tensor], _ nodes: [Node], inputs: [Int], outputs: [Int]) -> Flat {
    .table([
      0: .tables(tensors.enumerated().map { tensor($1, buffer: $0 + 1) }),
      1: .i32s(inputs), 2: .i32s(outputs),
      3: .tables(
        nodes.enumerated().map { index, node in
          .table([
            0: .i32(index), 1: .i32s(node.inputs), 2: .i32s(node.outputs), 4: .table(node.options), 5: .bytes(node.customOptions),
          ])
        }),
      4: .string("main"),
    ])
  }

  private static func graph(_ region: Region, code: Int) -> Flat {
    .table([
      0: .tables(region.tensors.map { tensor($0, buffer: 0) }), 1: .i32s(region.inputs), 2: .i32s(region.results),
      3: .tables([.table([0: .i32(code), 1: .i32s(region.operands), 2: .i32s(region.outputs)])]), 4: .string("region"),
    ])
  }

  private static func tensor(_ tensor: Tensor, buffer: Int) -> Flat {
    var fields: [Int: Flat] = [0: .i32s(tensor.shape), 1: .i8(tensor.type), 2: .i32(buffer), 3: .string(tensor.name)]
    if !tensor.scales.isEmpty {
      fields[4] = .table([2: .f32s(tensor.scales), 3: .i64s(tensor.zeros), 6: .i32(tensor.axis)])
    }
    fields[6] = tensor.sparsity
    return .table(fields)
  }
}
