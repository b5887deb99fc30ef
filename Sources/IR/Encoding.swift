/// How the elements of a tensor are stored on the machine: number format and sparsity.
///
/// A tensor keeps its *logical* element type (what the mathematics sees); compression changes the encoding.
package struct Encoding: Hashable, Sendable {
  package var quantization: Quantization?
  package var sparsity: Sparsity
  /// How many different stored numbers there are at most, where a table lists them; nil where any may occur.
  package var palette: Int?

  package init(quantization: Quantization? = nil, sparsity: Sparsity = .dense, palette: Int? = nil) {
    self.quantization = quantization
    self.sparsity = sparsity
    self.palette = palette
  }

  package static let dense = Encoding()

  /// Which elements are kept.
  package enum Sparsity: Hashable, Sendable {
    case dense
    /// `kept` of every `of` consecutive elements along the reduction axis, with an index per kept element.
    case structured(kept: Int, of: Int)
    /// Any elements; `density` is the kept share in parts per million.
    case unstructured(densityPartsPerMillion: Int)
  }

  /// The stored number format and who shares a scale.
  package struct Quantization: Hashable, Sendable {
    package enum Granularity: Hashable, Sendable {
      case tensor
      case channel(axis: Int)
      /// `size` consecutive elements along `axis` share a scale.
      case group(axis: Int, size: Int)
      /// One scale per row, computed at run time.
      case token
    }

    package var storage: ElementType
    package var granularity: Granularity
    /// Type of a scale: float32 for integers, float8 for block formats.
    package var scale: ElementType
    package var isAsymmetric: Bool
    /// True when the scale is found at run time, which costs a reduction over the tensor.
    package var isDynamic: Bool

    package init(
      storage: ElementType, granularity: Granularity = .tensor, scale: ElementType = .float32, isAsymmetric: Bool = false,
      isDynamic: Bool = false
    ) {
      self.storage = storage
      self.granularity = granularity
      self.scale = scale
      self.isAsymmetric = isAsymmetric
      self.isDynamic = isDynamic
    }
  }
}

extension Encoding {
  /// Bits that hold `count` logical elements of `element`: values, sparsity metadata and scales, rounded up to bytes.
  ///
  /// Structured sparsity stores ⌈log2(of)⌉ bits of position per kept value (2 bits for 2:4).
  package func storedBytes(_ count: Int, of element: ElementType) -> Int {
    let storage = quantization?.storage ?? element
    var bits: Double
    switch sparsity {
    case .dense: bits = Double(count) * Double(storage.bits)
    case .structured(let kept, let of):
      let survivors = (Double(count) * Double(kept) / Double(max(of, 1))).rounded(.up)
      bits = survivors * Double(storage.bits + max(1, (of - 1).bitWidth - (of - 1).leadingZeroBitCount))
    case .unstructured(let density):
      bits = (Double(count) * Double(density) / 1e6).rounded(.up) * Double(storage.bits + 16)
    }
    if let quantization, case .group(_, let size) = quantization.granularity {
      bits += (Double(count) / Double(max(size, 1))).rounded(.up) * Double(quantization.scale.bits)
    }
    return Int((bits / 8).rounded(.up))
  }
}
