/// Writes protocol-buffers wire format by hand, so that tests can make right and wrong model files.
struct Message {
  var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  func integer(_ field: Int, _ value: Int) -> Message {
    Message(bytes: bytes + Message.varint(UInt64(field) << 3) + Message.varint(UInt64(bitPattern: Int64(value))))
  }

  func data(_ field: Int, _ value: [UInt8]) -> Message {
    Message(bytes: bytes + Message.varint(UInt64(field) << 3 | 2) + Message.varint(UInt64(value.count)) + value)
  }

  func string(_ field: Int, _ value: String) -> Message { data(field, Array(value.utf8)) }
  func message(_ field: Int, _ value: Message) -> Message { data(field, value.bytes) }
  func messages(_ field: Int, _ values: [Message]) -> Message { values.reduce(self) { $0.message(field, $1) } }
  func strings(_ field: Int, _ values: [String]) -> Message { values.reduce(self) { $0.string(field, $1) } }
}

/// Pieces of ONNX files.
enum Onnx {
  static func model(_ graph: Message, opset: Int = 17, functions: [Message] = []) -> [UInt8] {
    Message().integer(1, 8).string(2, "by hand").message(7, graph)
      .message(8, Message().string(1, "").integer(2, opset)).messages(25, functions).bytes
  }

  static func graph(
    _ nodes: [Message], inputs: [Message] = [], outputs: [Message] = [], initializers: [Message] = []
  ) -> Message {
    Message().messages(1, nodes).string(2, "g").messages(5, initializers).messages(11, inputs).messages(12, outputs)
  }

  static func node(
    _ type: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    attributes: [Message] = []
  ) -> Message {
    Message().strings(1, inputs).strings(2, outputs).string(3, name).string(4, type).messages(5, attributes).string(
      7, domain)
  }

  /// A float tensor; a dimension is a number, a name, or nil for unknown.
  static func value(_ name: String, _ dims: [Any?]?, element: Int = 1) -> Message {
    var type = Message().integer(1, element)
    if let dims {
      type = type.message(
        2,
        Message().messages(
          1,
          dims.map { dim in
            if let number = dim as? Int { return Message().integer(1, number) }
            if let name = dim as? String { return Message().string(2, name) }
            return Message()
          }))
    }
    return Message().string(1, name).message(2, Message().message(1, type))
  }

  static func tensor(_ name: String, _ dims: [Int], element: Int = 1, raw: [UInt8]? = nil) -> Message {
    var message = dims.reduce(Message()) { $0.integer(1, $1) }.integer(2, element).string(8, name)
    if let raw { message = message.data(9, raw) }
    return message
  }

  static func external(_ name: String, _ dims: [Int], _ entries: [(String, String)]) -> Message {
    tensor(name, dims).messages(13, entries.map { Message().string(1, $0.0).string(2, $0.1) }).integer(14, 1)
  }

  static func integers(_ name: String, _ values: [Int]) -> Message {
    values.reduce(Message().string(1, name)) { $0.integer(8, $1) }.integer(20, 7)
  }

  static func subgraph(_ name: String, _ graph: Message) -> Message {
    Message().string(1, name).message(6, graph).integer(20, 5)
  }
}
