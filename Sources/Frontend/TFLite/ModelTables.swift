internal import Basic
internal import IR

/// A TFLite model as its file tells it (schema version 3 of TensorFlow Lite).
struct TFLiteModel {
  var description: String
  var operatorCodes: [TFLiteOperatorCode]
  var subgraphs: [TFLiteSubgraph]
  /// Bytes of every buffer; empty ranges hold nothing.
  var buffers: [Range<Int>]
}

struct TFLiteOperatorCode {
  var builtin: Int
  var custom: String
}

struct TFLiteSubgraph {
  var name: String
  var tensors: [TFLiteTensor]
  var inputs: [Int]
  var outputs: [Int]
  var operators: [TFLiteOperator]
}

struct TFLiteTensor {
  var name: String
  /// Nil for resources, variants and other things that are no numbers; `type` says which.
  var element: ElementType?
  var type: Int
  var shape: [Int]
  var buffer: Int
  var quantization: TFLiteQuantization?
  /// State that lives from run to run.
  var isVariable: Bool
  var sparsity: FlatTable?
  var position: Int
}

/// value = (stored − zero point)·scale, with one pair for all or one per index of an axis.
struct TFLiteQuantization: Hashable {
  var scales: [Float]
  var zeroPoints: [Int]
  var axis: Int

  var isPerChannel: Bool { scales.count > 1 }
}

struct TFLiteOperator {
  var code: Int
  var inputs: [Int]
  var outputs: [Int]
  var options: FlatTable?
  /// Bytes of the file that hold a custom operator's options.
  var customOptions: FlatBytes?
  var position: Int
}

extension TFLiteModel {
  /// The identifier that stands after the first offset.
  static let identifier: [UInt8] = Array("TFL3".utf8)

  static func recognises(_ prefix: [UInt8]) -> Bool { prefix.count >= 8 && Array(prefix[4..<8]) == identifier }

  init(_ file: MappedFile) throws(Failure) {
    let buffer = FlatBuffer(file)
    let root = try buffer.root()
    let version = try root.number(0, as: UInt32.self)
    guard version == 3 else { throw buffer.malformed("schema version \(version) is not read, only 3 is", at: root.position) }
    description = try root.string(3, "the description")
    operatorCodes = []
    for table in try root.tables(1, "the operator codes") { operatorCodes.append(try TFLiteOperatorCode(table)) }
    buffers = []
    for table in try root.tables(4, "the buffers") { buffers.append(try Self.bytes(table, file)) }
    subgraphs = []
    for table in try root.tables(2, "the subgraphs") { subgraphs.append(try TFLiteSubgraph(table)) }
    guard !subgraphs.isEmpty else { throw buffer.malformed("there is no graph in the file", at: root.position) }
    try check(buffer)
  }

  /// The bytes of a buffer: inside the FlatBuffer, or behind it for files beyond 2 GiB.
  private static func bytes(_ table: FlatTable, _ file: MappedFile) throws(Failure) -> Range<Int> {
    let (offset, size) = (try table.number(1, as: UInt64.self), try table.number(2, as: UInt64.self))
    guard offset > 1 else { return try table.bytes(0, "a buffer") ?? 0..<0 }
    guard offset <= file.count, size <= file.count - offset else {
      throw table.buffer.malformed("a buffer of \(size) bytes at byte \(offset) ends beyond the file", at: table.position)
    }
    return offset..<offset + size
  }

  /// Every index leads to something.
  private func check(_ buffer: FlatBuffer) throws(Failure) {
    for subgraph in subgraphs {
      for tensor in subgraph.tensors where !buffers.indices.contains(tensor.buffer) && tensor.buffer != 0 {
        throw buffer.malformed("tensor '\(tensor.name)' names buffer \(tensor.buffer) of \(buffers.count)", at: tensor.position)
      }
      func check(_ indices: [Int], _ what: String, at position: Int, allowsAbsent: Bool) throws(Failure) {
        for index in indices where !subgraph.tensors.indices.contains(index) && !(allowsAbsent && index == -1) {
          throw buffer.malformed("\(what) names tensor \(index) of \(subgraph.tensors.count)", at: position)
        }
      }
      try check(subgraph.inputs + subgraph.outputs, "graph '\(subgraph.name)'", at: 0, allowsAbsent: false)
      for (number, node) in subgraph.operators.enumerated() {
        guard operatorCodes.indices.contains(node.code) else {
          throw buffer.malformed("operator \(number) names operator code \(node.code) of \(operatorCodes.count)", at: node.position)
        }
        try check(node.inputs, "operator \(number)", at: node.position, allowsAbsent: true)
        try check(node.outputs, "operator \(number)", at: node.position, allowsAbsent: false)
      }
    }
  }
}

extension TFLiteOperatorCode {
  init(_ table: FlatTable) throws(Failure) {
    // Codes beyond 127 did not fit the first field, which later versions keep for old readers.
    builtin = max(try table.code(0), try table.integer(3))
    custom = try table.string(1, "a custom operator's name")
  }
}

extension TFLiteSubgraph {
  init(_ table: FlatTable) throws(Failure) {
    name = try table.string(4, "a graph's name")
    inputs = try table.numbers(1, as: Int32.self, "a graph's inputs") ?? []
    outputs = try table.numbers(2, as: Int32.self, "a graph's outputs") ?? []
    tensors = []
    for tensor in try table.tables(0, "the tensors") { tensors.append(try TFLiteTensor(tensor)) }
    operators = []
    for node in try table.tables(3, "the operators") { operators.append(try TFLiteOperator(node)) }
  }
}

extension TFLiteOperator {
  init(_ table: FlatTable) throws(Failure) {
    code = try table.number(0, as: UInt32.self)
    inputs = try table.numbers(1, as: Int32.self, "an operator's inputs") ?? []
    outputs = try table.numbers(2, as: Int32.self, "an operator's outputs") ?? []
    options = try table.table(4, "an operator's options")
    customOptions = try table.bytes(5, "a custom operator's options").map { FlatBytes(buffer: table.buffer, range: $0) }
    position = table.position
  }
}

extension TFLiteTensor {
  init(_ table: FlatTable) throws(Failure) {
    name = try table.string(3, "a tensor's name")
    shape = try table.numbers(0, as: Int32.self, "a tensor's shape") ?? []
    type = try table.code(1)
    element = ElementType(tfliteCode: type)
    buffer = try table.number(2, as: UInt32.self)
    isVariable = try table.flag(5)
    sparsity = try table.table(6, "a tensor's sparsity")
    position = table.position
    guard shape.allSatisfy({ $0 >= 0 }), shape.checkedProduct.map({ $0 < 1 << 56 }) == true else {
      throw table.buffer.malformed("tensor '\(name)': dimensions \(shape) are not a possible shape", at: position)
    }
    if let parameters = try table.table(4, "a tensor's quantisation") {
      quantization = try TFLiteQuantization(parameters, of: name, shape: shape)
    }
  }
}

extension TFLiteQuantization {
  /// Nil when there is no scale: ranges of training alone say nothing about storage.
  init?(_ table: FlatTable, of name: String, shape: [Int]) throws(Failure) {
    guard let scales = try table.floats(2, "scales"), !scales.isEmpty else { return nil }
    self.scales = scales
    axis = try table.integer(6)
    let zeros = try table.numbers(3, as: Int64.self, "zero points") ?? []
    zeroPoints = zeros.isEmpty ? scales.map { _ in 0 } : zeros.count == 1 ? scales.map { _ in zeros[0] } : zeros
    let isPossible = scales.allSatisfy { $0.isFinite && $0 >= 0 } && zeroPoints.count == scales.count
    guard isPossible, scales.count == 1 || (shape.indices.contains(axis) && shape[axis] == scales.count) else {
      throw table.buffer.malformed(
        "tensor '\(name)': \(scales.count) scales and \(zeros.count) zero points along axis \(axis) do not fit its shape \(shape)",
        at: table.position)
    }
  }
}

extension ElementType {
  /// Element types as the schema numbers them.
  init?(tfliteCode code: Int) {
    let known: [Int: ElementType] = [
      0: .float32, 1: .float16, 2: .int32, 3: .uint8, 4: .int64, 5: .string, 6: .bool, 7: .int16, 8: .complex64, 9: .int8,
      10: .float64, 11: .complex128, 12: .uint64, 15: .uint32, 16: .uint16, 17: .int4, 18: .bfloat16, 19: .int2, 20: .uint4,
      21: .float8e4m3, 22: .float8e5m2,
    ]
    guard let type = known[code] else { return nil }
    self = type
  }
}

/// A stretch of bytes in the file.
struct FlatBytes {
  let buffer: FlatBuffer
  let range: Range<Int>

  /// The 32-bit number at place `index` of a C structure; nil behind the end.
  func number(_ index: Int) throws(Failure) -> Int? {
    guard index >= 0, 4 * index + 4 <= range.count else { return nil }
    return Int(try buffer.scalar(Int32.self, at: range.lowerBound + 4 * index))
  }
}
