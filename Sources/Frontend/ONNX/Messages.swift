internal import Basic

/// The messages of `onnx.proto` as far as they matter here; tensors keep ranges of the file instead of values.
struct ModelMessage {
  var irVersion = 0
  var producer = ""
  var producerVersion = ""
  var opsets: [String: Int] = [:]
  var graph: GraphMessage?
  var functions: [FunctionMessage] = []
}

struct GraphMessage {
  var name = ""
  var nodes: [NodeMessage] = []
  var initializers: [TensorMessage] = []
  var sparseInitializers: [SparseTensorMessage] = []
  var inputs: [ValueInfoMessage] = []
  var outputs: [ValueInfoMessage] = []
  var valueInfo: [ValueInfoMessage] = []
  var offset = 0
}

struct NodeMessage {
  var inputs: [String] = []
  var outputs: [String] = []
  var name = ""
  var type = ""
  var domain = ""
  var overload = ""
  var attributes: [AttributeMessage] = []
  var offset = 0
}

struct AttributeMessage {
  enum Value {
    case float(Float)
    case integer(Int)
    case string(String)
    case tensor(TensorMessage)
    case graph(GraphMessage)
    case sparse(SparseTensorMessage)
    case type(TypeMessage)
    case floats([Float])
    case integers([Int])
    case strings([String])
    /// The attribute of this name of the calling node, inside a function body.
    case reference(String)
    case unsupported(String)
  }

  var name = ""
  var value = Value.unsupported("empty attributes")
  var offset = 0
}

struct TensorMessage {
  var name = ""
  var dims: [Int] = []
  var dataType = 0
  var raw: Range<Int>?
  /// The typed data fields (float_data, int32_data …) as they come.
  var typed: [WireField] = []
  var external: [String: String] = [:]
  var isExternal = false
  var offset = 0
}

struct SparseTensorMessage {
  var values = TensorMessage()
  var indices = TensorMessage()
  var dims: [Int] = []
  var offset = 0
}

struct ValueInfoMessage {
  var name = ""
  var type: TypeMessage?
  var offset = 0
}

indirect enum TypeMessage {
  enum Extent {
    case number(Int)
    case named(String)
    case unknown
  }

  case tensor(element: Int, shape: [Extent]?)
  case sequence(TypeMessage)
  case optional(TypeMessage)
  case unsupported(String)
}

struct FunctionMessage {
  var name = ""
  var domain = ""
  var overload = ""
  var inputs: [String] = []
  var outputs: [String] = []
  /// Attributes with a default value.
  var defaults: [AttributeMessage] = []
  var nodes: [NodeMessage] = []
  var opsets: [String: Int] = [:]
  var valueInfo: [ValueInfoMessage] = []
}
