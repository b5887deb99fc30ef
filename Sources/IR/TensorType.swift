/// Element type, shape and encoding of a tensor.
package struct TensorType: Hashable, Sendable {
  package var element: ElementType
  package var shape: [Dimension]
  package var encoding: Encoding

  package init(_ element: ElementType, _ shape: [Dimension], encoding: Encoding = .dense) {
    self.element = element
    self.shape = shape
    self.encoding = encoding
  }

  package init(_ element: ElementType, _ shape: [Int]) {
    self.init(element, shape.map(Dimension.constant))
  }

  package var rank: Int { shape.count }

  /// The shape when every extent is a number.
  package var constantShape: [Int]? {
    var result: [Int] = []
    result.reserveCapacity(shape.count)
    for dimension in shape {
      guard let extent = dimension.constant else { return nil }
      result.append(extent)
    }
    return result
  }

  /// The product of the extents, nil when symbolic or beyond 2^62.
  package var elementCount: Int? {
    guard let shape = constantShape else { return nil }
    return shape.checkedProduct
  }

  /// No tensor of a model that is simulated has more elements: products of two such counts are found out, sums fit an integer.
  package static let largestCount = 1 << 48

  /// Stored bytes under the encoding, nil while a dimension is unbound.
  package var storedBytes: Int? { elementCount.map { encoding.storedBytes($0, of: element) } }

  /// What one stored element is: the quantised format, else the element type.
  package var storage: ElementType { encoding.quantization?.storage ?? element }
}

/// The type of a value: almost always a tensor; ONNX also has sequences and optionals.
package indirect enum ValueType: Hashable, Sendable {
  case tensor(TensorType)
  /// A tensor whose rank only the data can tell.
  case unranked(ElementType)
  case sequence(ValueType)
  case optional(ValueType)

  package var tensor: TensorType? {
    if case .tensor(let type) = self { type } else { nil }
  }

  /// Replaces bound symbols everywhere.
  package func bound(_ values: [String: Int]) -> ValueType {
    switch self {
    case .tensor(var type):
      type.shape = type.shape.map { $0.bound(values) }
      return .tensor(type)
    case .unranked: return self
    case .sequence(let element): return .sequence(element.bound(values))
    case .optional(let element): return .optional(element.bound(values))
    }
  }

  /// Every symbol a dimension of this type mentions.
  package var symbols: Set<String> {
    switch self {
    case .tensor(let type): type.shape.reduce(into: []) { $0.formUnion($1.constant == nil ? $1.expression.symbols : []) }
    case .unranked: []
    case .sequence(let element), .optional(let element): element.symbols
    }
  }
}

extension Collection where Element == Int {
  /// The product, nil beyond 2^62 or for a negative extent.
  package var checkedProduct: Int? {
    var product = 1
    for extent in self {
      guard extent >= 0 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow, next < 1 << 62 else { return nil }
      product = next
    }
    return product
  }
}
