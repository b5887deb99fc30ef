internal import IR
internal import Ops

/// How constants that are computed from stored integers were stored: what folding would otherwise forget.
///
/// `dequantize(w : i8)`, `mul(cast(w : i8), scale)` and `mul(sub(cast(w), zero), scale)` are numbers that a machine reads in
/// 8 bits; transposing or reshaping them changes nothing about that.
struct StorageTracker {
  /// The stored format, and where the scales are once they were applied.
  struct Storage {
    var element: ElementType
    var isAsymmetric = false
    var granularity: Encoding.Quantization.Granularity?
    var scale = ElementType.float32

    /// The type with its encoding; only numbers whose scale was applied have one.
    func encoded(_ type: TensorType) -> TensorType {
      guard let granularity, type.element.isFloat else { return type }
      var type = type
      type.encoding.quantization = Encoding.Quantization(
        storage: element, granularity: granularity, scale: scale, isAsymmetric: isAsymmetric)
      return type
    }
  }

  private var known: [ValueID: Storage] = [:]

  mutating func record(_ storage: Storage, of value: ValueID) { known[value] = storage }

  /// Storage of the outputs of a node whose inputs are constants.
  func storage(of node: Node, _ graph: Graph) -> [Storage?] {
    guard node.outputs.count == 1, let first = node.inputs.first ?? nil, let type = graph.tensorType(first) else { return [] }
    switch node.operation {
    case let dequantize as Dequantize: return [stored(by: dequantize, node, graph, type)]
    case let cast as Cast:
      guard cast.to.isFloat, type.element.isStoredInteger, (type.elementCount ?? 0) > 1 else { return [] }
      return [Storage(element: type.element)]
    case let binary as BinaryElementwise: return [combined(binary.function, node, graph)]
    case let transpose as Transpose:
      let order = transpose.permutation ?? Array((0..<type.rank).reversed())
      return [known[first].map { $0.moved { axis in order.firstIndex(of: axis) } }]
    case is Reshape, is Unsqueeze, is Squeeze, is Flatten:
      return [known[first].flatMap { $0.reshaped(type, graph.tensorType(node.outputs[0])) }]
    default: return []
    }
  }

  private func stored(by operation: Dequantize, _ node: Node, _ graph: Graph, _ type: TensorType) -> Storage? {
    guard node.inputs.count > 1, let scale = graph.tensorType(node.inputs[1]), type.element.isStoredInteger || type.element.bits <= 8
    else { return nil }
    let axis = operation.axis < 0 ? operation.axis + type.rank : operation.axis
    var storage = Storage(element: type.element, scale: scale.element)
    storage.isAsymmetric = node.inputs.count > 2 && node.inputs[2] != nil && graph.scalar(node.inputs[2]) != 0
    if operation.blockSize > 0 {
      storage.granularity = .group(axis: axis, size: operation.blockSize)
    } else {
      storage.granularity = scale.elementCount == 1 ? .tensor : .channel(axis: axis)
    }
    return storage
  }

  /// Scales multiply, zero points are subtracted.
  private func combined(_ function: BinaryElementwise.Function, _ node: Node, _ graph: Graph) -> Storage? {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1], let result = graph.tensorType(node.outputs[0]) else {
      return nil
    }
    for (values, other) in [(a, b), (b, a)] {
      guard var storage = known[values], storage.granularity == nil, let scale = graph.tensorType(other),
        graph.tensorType(values)?.shape == result.shape
      else { continue }
      switch function {
      case .sub where values == a: storage.isAsymmetric = true
      case .mul, .div: storage.granularity = granularity(scale, in: result)
      default: return nil
      }
      storage.scale = scale.element
      return storage
    }
    return nil
  }

  /// Which axis a broadcast scale varies along.
  private func granularity(_ scale: TensorType, in result: TensorType) -> Encoding.Quantization.Granularity? {
    let padded = [Dimension](repeating: 1, count: max(0, result.rank - scale.rank)) + scale.shape
    let varying = padded.indices.filter { padded[$0] != 1 }
    switch varying.count {
    case 0: return .tensor
    case 1: return .channel(axis: varying[0])
    default:
      // [n, k/g, 1] beside [n, k/g, g]: elements along the last axis share a scale.
      guard let shared = padded.indices.first(where: { padded[$0] == 1 && result.shape[$0] != 1 }),
        let size = result.shape[shared].constant
      else { return nil }
      return .group(axis: shared, size: size)
    }
  }
}

extension StorageTracker.Storage {
  /// With axes renamed; storage whose axis is gone is per tensor for all that is known.
  fileprivate func moved(_ place: (Int) -> Int?) -> Self {
    var result = self
    switch granularity {
    case .channel(let axis): result.granularity = place(axis).map { .channel(axis: $0) } ?? .tensor
    case .group(let axis, let size): result.granularity = place(axis).map { .group(axis: $0, size: size) } ?? .tensor
    case .tensor, .token, nil: break
    }
    return result
  }

  /// Groups of an axis that is joined with the one before it stay groups of the joined axis.
  fileprivate func reshaped(_ from: TensorType, _ to: TensorType?) -> Self? {
    guard let to else { return nil }
    return moved { axis in
      let before = from.shape[..<axis].reduce(1, *)
      var product = Dimension.constant(1)
      for (place, extent) in to.shape.enumerated() {
        if product == before, extent == from.shape[axis] { return place }
        product = product * extent
        if case .group? = granularity, product == before * from.shape[axis] { return place }
      }
      return nil
    }
  }
}

extension ElementType {
  /// Integers that weights are stored in.
  fileprivate var isStoredInteger: Bool {
    switch self {
    case .int8, .uint8, .int4, .uint4, .int2, .uint2: true
    default: false
    }
  }
}
