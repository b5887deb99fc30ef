internal import IR
internal import Ops

/// The oldest operator set in which a model means what it says, so that older runtimes read it too and newer ones run the kernels
/// they ran for the original: 13 for 8-bit integers, 19 for float8, 21 for 4-bit integers, 16-bit ones and blocks.
///
/// Only models whose operators are all known here are written for an older set than `ONNXExporter.opset`.
/// Source: ONNX changelog of operator versions.
struct OpsetRequirement {
  private static let oldest = 13
  /// First set with the spelling that is written, for operators that are spelled alike in all later ones.
  private static let operators: [String: Int] = {
    var result: [String: Int] = [:]
    let old = [
      "Abs", "Add", "AveragePool", "Cast", "Clip", "Concat", "Constant", "Conv", "ConvTranspose", "DequantizeLinear", "Div",
      "DynamicQuantizeLinear", "Erf", "Exp", "Expand", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "HardSigmoid", "Identity",
      "LeakyRelu", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "Pow", "QuantizeLinear", "Reciprocal", "ReduceSum", "Relu", "Reshape",
      "Shape", "Sigmoid", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze", "Where",
    ]
    for name in old { result[name] = oldest }
    result["HardSwish"] = 14
    result["BatchNormalization"] = 15
    result["LayerNormalization"] = 17
    for name in ["Pad", "ReduceMean", "ReduceMax", "ReduceMin", "Split"] { result[name] = 18 }
    result["Gelu"] = 20
    return result
  }()
  /// Attributes that came later than their operator.
  private static let attributes = [
    "allowzero": 14, "start": 15, "end": 15, "num_outputs": 18, "saturate": 19, "block_size": 21, "output_dtype": 21,
  ]

  /// Operators that take 8-bit integers only from set 14 on.
  private static let smallIntegers: Set<String> = ["Add", "Sub", "Mul", "Div", "Relu"]

  private var needed = OpsetRequirement.oldest
  private var isKnown = true

  /// Notes one node that is written.
  mutating func add(_ spelling: ONNXSpelling, _ types: [ValueType]) {
    guard spelling.name.domain.isEmpty, let version = OpsetRequirement.operators[spelling.name.type] else {
      isKnown = false
      return
    }
    needed = max(needed, version)
    for (name, _) in spelling.attributes { needed = max(needed, OpsetRequirement.attributes[name] ?? 0) }
    if spelling.name.type == "AveragePool", spelling.attributes.contains(where: { $0.name == "dilations" }) { needed = max(needed, 19) }
    for type in types {
      guard case .tensor(let type) = type else {
        isKnown = false
        continue
      }
      needed = max(needed, OpsetRequirement.version(of: type.element))
      let isSmallInteger = type.element == .int8 || type.element == .uint8
      if isSmallInteger, OpsetRequirement.smallIntegers.contains(spelling.name.type) { needed = max(needed, 14) }
    }
  }

  /// - Parameter newest: what any other model is written for.
  func opset(newest: Int) -> Int { isKnown ? min(needed, newest) : newest }

  private static func version(of element: ElementType) -> Int {
    switch element {
    case .float8e4m3, .float8e5m2: 19
    case .int4, .uint4, .int16, .uint16: 21
    case .float4e2m1, .bfloat16: .max
    default: oldest
    }
  }

  /// Local functions came with this IR version.
  static let firstIRWithFunctions = 8

  /// IR version of a file for an operator set: runtimes refuse files newer than themselves.
  static func irVersion(_ opset: Int) -> Int {
    switch opset {
    case ...14: 7
    case ...18: 8
    case ...20: 9
    default: ONNXExporter.irVersion
    }
  }
}
