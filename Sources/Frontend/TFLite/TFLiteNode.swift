internal import Basic
internal import IR
internal import Ops

/// One operator of the file while it is mapped: reads its operands and options, adds nodes to the graph.
struct TFLiteNode {
  let builder: TFLiteBuilder
  let scope: TFLiteScope
  let message: TFLiteOperator
  /// Unique in the graph.
  let name: String
  /// As the schema spells it.
  let type: String

  func failure(_ problem: String) -> Failure {
    builder.failure("node '\(name)': \(type): \(problem)", at: message.position)
  }

  // MARK: Options

  func option(_ slot: Int, default value: Int32 = 0) throws(Failure) -> Int {
    try message.options?.integer(slot, default: value) ?? Int(value)
  }

  func code(_ slot: Int) throws(Failure) -> Int { try message.options?.code(slot) ?? 0 }
  func flag(_ slot: Int, default value: Bool = false) throws(Failure) -> Bool {
    try message.options?.flag(slot, default: value) ?? value
  }
  func float(_ slot: Int) throws(Failure) -> Float { try message.options?.float(slot) ?? 0 }

  // MARK: Operands

  var inputCount: Int { message.inputs.count }
  var outputCount: Int { message.outputs.count }

  func has(_ index: Int) -> Bool { message.inputs.indices.contains(index) && message.inputs[index] >= 0 }

  private func number(_ index: Int) throws(Failure) -> Int {
    guard has(index) else { throw failure("input \(index) is missing") }
    return message.inputs[index]
  }

  func tensor(_ index: Int) throws(Failure) -> TFLiteTensor { scope.subgraph.tensors[try number(index)] }

  func result(_ index: Int = 0) throws(Failure) -> TFLiteTensor {
    guard message.outputs.indices.contains(index) else { throw failure("result \(index) is missing") }
    return scope.subgraph.tensors[message.outputs[index]]
  }

  /// An operand as it is stored.
  func stored(_ index: Int) throws(Failure) -> ValueID {
    try builder.value(try number(index), scope, of: "node '\(name)': its operands", at: message.position)
  }

  /// An operand as real numbers: what a quantised one stands for, any other as it is stored.
  func real(_ index: Int) throws(Failure) -> ValueID {
    let number = try number(index)
    if let known = scope.reals[number] { return known }
    let stored = try stored(index)
    guard let quantization = try quantization(of: tensor(index)) else { return stored }
    let value = try dequantized(stored, quantization, name: scope.subgraph.tensors[number].name)
    scope.reals[number] = value
    return value
  }

  /// How a tensor's integers stand for real numbers; nil when they stand for themselves.
  func quantization(of tensor: TFLiteTensor) throws(Failure) -> TFLiteQuantization? {
    guard tensor.element?.isInteger == true else { return nil }
    return tensor.quantization
  }

  func tensorType(_ value: ValueID) throws(Failure) -> TensorType {
    guard let type = builder.rewriter.graph.tensorType(value) else { throw failure("the rank of an operand is not known") }
    return type
  }

  func shape(_ value: ValueID) throws(Failure) -> [Int] {
    guard let shape = try tensorType(value).constantShape else { throw failure("the shape of an operand is not known") }
    return shape
  }

  /// The numbers of a small integer operand, when they are known.
  func knownIntegers(_ index: Int) throws(Failure) -> [Int]? {
    builder.known.integers(try stored(index), in: builder.rewriter.graph)
  }

  func integers(_ index: Int) throws(Failure) -> [Int] {
    guard let numbers = try knownIntegers(index) else { throw failure("input \(index) must be a constant") }
    return numbers
  }

  func integer(_ index: Int) throws(Failure) -> Int {
    guard let number = try integers(index).first else { throw failure("input \(index) is empty") }
    return number
  }

  // MARK: Building

  /// A node and its first result. Parts of one operator share its origin, so that they stay one kernel where possible.
  func add(_ operation: any Operator, _ inputs: [ValueID?], _ part: String = "") throws(Failure) -> ValueID {
    try addAll(operation, inputs, part, outputs: 1)[0]
  }

  func addAll(_ operation: any Operator, _ inputs: [ValueID?], _ part: String = "", outputs: Int) throws(Failure) -> [ValueID] {
    try builder.emit(
      operation, inputs, name: part.isEmpty ? name : "\(name)/\(part)", origin: Origin([builder.owner ?? name]), outputs: outputs,
      node: self)
  }

  /// Integers as operators of this representation want them: shapes, axes, pads.
  func constant(_ numbers: [Int]) -> ValueID {
    builder.made(Constant(integers: numbers.map(Int64.init)), name: "\(name)/numbers")
  }

  func scalar(_ number: Double, _ element: ElementType = .float32) -> ValueID {
    builder.made(Constant(Tensor(element, [], rounding: [number])), name: "\(name)/number")
  }

  /// Real numbers that stored ones stand for.
  func dequantized(_ stored: ValueID, _ quantization: TFLiteQuantization, name: String) throws(Failure) -> ValueID {
    let element = try tensorType(stored).element
    let operands = [stored] + (try parameters(quantization, element))
    return try builder.emit(
      Dequantize(axis: quantization.axis), operands, name: "\(name)/real", origin: Origin(), outputs: 1, node: self)[0]
  }

  /// Scale and zero point as constants; a zero point that shifts nothing is left out where its type says nothing either.
  private func parameters(
    _ quantization: TFLiteQuantization, _ element: ElementType, _ zeroPoint: ZeroPoint = .ifNeeded
  ) throws(Failure) -> [ValueID?] {
    let shape = quantization.isPerChannel ? [quantization.scales.count] : []
    guard let range = NumberFormat.integerRange(of: element), quantization.zeroPoints.allSatisfy({ range.contains(Int64($0)) }) else {
      throw failure("zero points \(quantization.zeroPoints.prefix(4)) are no \(element.rawValue)")
    }
    let scale = builder.made(Constant(Tensor(shape, floats: quantization.scales)), name: "\(name)/scale")
    guard zeroPoint == .always || quantization.zeroPoints.contains(where: { $0 != 0 }) else { return [scale] }
    let zero = Tensor(element, shape, saturating: quantization.zeroPoints.map(Int64.init))
    return [scale, builder.made(Constant(zero), name: "\(name)/zero-point")]
  }

  private enum ZeroPoint { case always, ifNeeded }

  /// The first operand as real numbers, by a node of its own.
  func dequantization(_ quantization: TFLiteQuantization) throws(Failure) -> ValueID {
    let stored = try stored(0)
    return try add(Dequantize(axis: quantization.axis), [stored] + parameters(quantization, try tensorType(stored).element))
  }

  /// Stores a real result as the file says: quantised, or as it is.
  func store(_ real: ValueID, _ index: Int = 0) throws(Failure) -> ValueID { try store(real, as: result(index)) }

  /// Real numbers in the form of `tensor`, which need not be a result.
  func store(_ real: ValueID, as tensor: TFLiteTensor, _ part: String = "quantize") throws(Failure) -> ValueID {
    guard let quantization = try quantization(of: tensor), let element = tensor.element, try tensorType(real).element.isFloat else {
      return real
    }
    return try add(
      Quantize(axis: quantization.axis), [real] + parameters(quantization, element, .always), part)
  }

  /// True when a fused activation changes nothing: there is none, or the range of the stored result limits as much.
  func isImplied(_ activation: Int, _ index: Int = 0) throws(Failure) -> Bool {
    guard let activation = TFLiteActivation(rawValue: activation) else { throw failure("fused activation \(activation) is not known") }
    guard let range = activation.range, let quantization = try quantization(of: result(index)), let element = try result(index).element
    else { return activation == .none }
    return quantization.implies(range, element)
  }

  /// Applies a fused activation to real numbers.
  func activated(_ value: ValueID, _ code: Int, _ index: Int = 0) throws(Failure) -> ValueID {
    guard try !isImplied(code, index), let activation = TFLiteActivation(rawValue: code) else { return value }
    switch activation {
    case .none: return value
    case .relu: return try add(UnaryElementwise(.relu), [value], "relu")
    case .tanh: return try add(UnaryElementwise(.tanh), [value], "tanh")
    case .reluSymmetric, .relu6, .reluUnit:
      let range = activation.range ?? 0...0
      let element = try tensorType(value).element
      return try add(Clip(), [value, scalar(range.lowerBound, element), scalar(range.upperBound, element)], "clip")
    }
  }

  /// An operator that only moves numbers: on stored ones when operands and result stand for the same, else on real ones.
  func moved(_ operands: Range<Int>, _ body: ([ValueID]) throws(Failure) -> ValueID) throws(Failure) -> ValueID {
    let wanted = try quantization(of: result())
    var isAlike = true
    for index in operands where try quantization(of: tensor(index)) != wanted { isAlike = false }
    var values: [ValueID] = []
    for index in operands { values.append(isAlike ? try stored(index) : try real(index)) }
    let value = try body(values)
    return isAlike ? value : try store(value)
  }

  /// The operator as a kernel nobody has described, with the results the file declares.
  func opaque() throws(Failure) -> [ValueID] {
    var types: [TensorType] = []
    for index in message.outputs { types.append(try builder.type(of: scope.subgraph.tensors[index])) }
    var operands: [ValueID?] = []
    for index in message.inputs.indices { operands.append(has(index) ? try stored(index) : nil) }
    return try addAll(OpaqueOperator(label: type, outputs: types), operands, outputs: types.count)
  }
}

extension TFLiteBuilder {
  /// Adds a node, inferring types and small contents.
  func emit(
    _ operation: any Operator, _ inputs: [ValueID?], name: String, origin: Origin, outputs: Int, node: TFLiteNode,
    regions: [Graph] = []
  ) throws(Failure) -> [ValueID] {
    var operands = inputs
    while let last = operands.last, last == nil { operands.removeLast() }
    let context = known.context(
      in: rewriter.graph, inputs: operands, outputCount: outputs, regions: regions, nodeName: name)
    let types: [ValueType]
    do throws(OperatorError) { types = try operation.inferTypes(context) } catch { throw node.failure("\(error)") }
    guard types.count >= outputs else { throw node.failure("it has \(outputs) results where \(types.count) are known") }
    let id = rewriter.addNode(operation, operands, types: Array(types.prefix(outputs)), name: name, origin: origin, regions: regions)
    known.learn(rewriter.graph[id], context, in: rewriter.graph)
    return rewriter.graph[id].outputs
  }
}

/// Activations an operator may apply to its result, as the schema numbers them.
enum TFLiteActivation: Int {
  case none = 0
  case relu = 1
  case reluSymmetric = 2
  case relu6 = 3
  case tanh = 4
  /// Between 0 and 1: an operator of its own, never fused.
  case reluUnit = 1000

  /// What the result is limited to; nil when the activation does more than that, or nothing.
  var range: ClosedRange<Double>? {
    switch self {
    case .none, .tanh: nil
    case .relu: 0...Double.infinity
    case .reluSymmetric: -1...1
    case .relu6: 0...6
    case .reluUnit: 0...1
    }
  }
}

extension TFLiteQuantization {
  /// True when every stored number stands for a real one in the range, so that storing is limiting.
  fileprivate func implies(_ range: ClosedRange<Double>, _ element: ElementType) -> Bool {
    guard let stored = NumberFormat.integerRange(of: element) else { return false }
    return zip(scales, zeroPoints).allSatisfy { scale, zero in
      // Limits are rounded to stored numbers before they are applied.
      let scale = Double(scale)
      let low = (range.lowerBound / scale).rounded() + Double(zero)
      let high = (range.upperBound / scale).rounded() + Double(zero)
      return low <= Double(stored.lowerBound) && high >= Double(stored.upperBound)
    }
  }
}
