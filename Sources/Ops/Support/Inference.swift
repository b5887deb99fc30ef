package import IR

extension InferenceContext {
  /// The type of an input; nil when it is absent.
  package func type(_ index: Int) -> ValueType? { index < inputs.count ? inputs[index] : nil }

  /// Element type of a required tensor input, whose rank may be unknown.
  package func element(_ index: Int) throws(OperatorError) -> ElementType {
    if case .unranked(let element)? = type(index) { return element }
    return try tensor(index).element
  }

  /// The type of a required input whose rank the operator itself fixes: where nothing else tells it, every extent is a new symbol.
  package func tensor(_ index: Int, rank: Int) throws(OperatorError) -> TensorType {
    guard case .unranked(let element)? = type(index) else { return try tensor(index) }
    return TensorType(element, (0..<rank).map { freshDimension("in\(index)_d\($0)") })
  }

  /// The broadcast shape of the inputs with another element type; unranked as soon as one of them is.
  package func broadcastType(_ element: ElementType, of indices: Range<Int>) throws(OperatorError) -> ValueType {
    var shapes: [[Dimension]] = []
    for index in indices where hasInput(index) {
      if case .unranked? = inputs[index] { return .unranked(element) }
      shapes.append(try tensor(index).shape)
    }
    return .tensor(TensorType(element, try Broadcast.shape(shapes)))
  }

  /// The input's type with another element type.
  package func sameShape(_ element: ElementType, as index: Int = 0) throws(OperatorError) -> ValueType {
    if case .unranked? = type(index) { return .unranked(element) }
    return .tensor(TensorType(element, try tensor(index).shape))
  }

  /// The numbers in a constant input of any numeric type, where the model holds them.
  package func knownNumbers(_ index: Int) -> [Double]? {
    if let integers = knownIntegers(index) { return integers.map(Double.init) }
    guard let constant = constant(index), let count = constant.type.elementCount, count <= 1024 else { return nil }
    return try? Tensor(constant)?.doubles()
  }
}

extension ValueType {
  /// Element type of a tensor, whether or not its rank is known.
  package var elementType: ElementType? {
    switch self {
    case .tensor(let type): type.element
    case .unranked(let element): element
    case .sequence, .optional: nil
    }
  }
}

extension ONNXNode {
  /// Makes the input at `index` a constant, extending the list with absent inputs as needed.
  package mutating func setInput(_ index: Int, _ tensor: Tensor) {
    while inputs.count <= index { inputs.append(.absent) }
    inputs[index] = .constant(Constant(tensor))
  }
}

extension InferenceContext {
  /// A shape given as a one-dimensional integer input: its extents, fresh symbols where only its length is known, nil
  /// when not even that is.
  package func extents(_ index: Int) throws(OperatorError) -> [Dimension]? {
    if let known = known(index) { return known }
    guard let length = try tensor(index).shape.first?.constant, length >= 0, length <= 64 else { return nil }
    return (0..<length).map { freshDimension("axis\($0)") }
  }

  /// Axes given as a known integer input, counted from the front; nil when absent or unknown.
  package func axes(_ index: Int, rank: Int) throws(OperatorError) -> [Int]? {
    guard let known = knownIntegers(index) else { return nil }
    var result: [Int] = []
    for axis in known { result.append(try resolveAxis(axis, rank: rank)) }
    guard Set(result).count == result.count else {
      throw OperatorError("axes-distinct", "axes \(known) name an axis twice")
    }
    return result
  }
}

extension [Datum?] {
  /// The elements of a required integer tensor.
  package func integers(_ index: Int) throws(OperatorError) -> [Int] {
    var result: [Int] = []
    for value in try tensor(index).integers() { result.append(Int(value)) }
    return result
  }

  package func optionalIntegers(_ index: Int) throws(OperatorError) -> [Int]? {
    try optionalTensor(index) == nil ? nil : try integers(index)
  }
}

extension Operator {
  /// The shapes of the outputs for tensors at hand: type inference with every input known.
  package func shapes(_ inputs: [Datum?], outputCount: Int = 1) throws(OperatorError) -> [[Int]] {
    let tensors = inputs.map { $0?.tensor }
    let context = InferenceContext(
      inputs: tensors.map { tensor in tensor.map { .tensor($0.type) } },
      contents: tensors.map { tensor in
        guard let tensor, tensor.element.isInteger, tensor.count <= 1024 else { return nil }
        return (try? tensor.integers())?.map { .constant(Int($0)) }
      },
      constants: tensors.map { tensor in tensor.flatMap { $0.count <= 1024 ? Constant($0) : nil } },
      outputCount: outputCount)
    var result: [[Int]] = []
    for type in try inferTypes(context) {
      guard let shape = type.tensor?.constantShape else {
        throw OperatorError("shape-known", "the shape of a result of \(Self.name) is not determined by its inputs")
      }
      _ = try shape.evaluableCount()
      result.append(shape)
    }
    return result
  }
}
