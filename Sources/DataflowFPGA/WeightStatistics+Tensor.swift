internal import IR
internal import Lowering

extension WeightStatistics {
  /// Counts the products of stored weights, `columns x rows` (output-major) as models keep them.
  ///
  /// Floats are rounded to `bits`-bit fixed point whose range just holds the largest magnitude. Nil when the weights are
  /// not lent, too many to count, or of a type without a fixed-point reading.
  init?(_ tensor: Kernel.Tensor, rows: Int, columns: Int, bits: Int) {
    guard let data = tensor.data, rows > 0, columns > 0, rows * columns <= 1 << 22 else { return nil }
    guard let values = Self.values(data, tensor.operand.storage, count: rows * columns) else { return nil }
    let largest = values.reduce(0) { max($0, abs($1)) }
    guard largest.isFinite else { return nil }
    let isInteger = !tensor.operand.storage.isFloat
    var scale = 1.0
    if !isInteger, largest > 0 {
      // One sign bit, the integer bits of the largest magnitude, the rest fraction.
      while largest * scale * 2 <= Double(1 << (max(2, bits) - 1)) { scale *= 2 }
      while largest * scale > Double(1 << (max(2, bits) - 1)) { scale /= 2 }
    }
    var table = [[Int]](repeating: [], count: rows)
    for row in 0..<rows {
      table[row] = (0..<columns).map { Int((values[$0 * rows + row] * scale).rounded()) }
    }
    self.init(rows: table)
  }

  private static func values(_ data: TensorData, _ element: ElementType, count: Int) -> [Double]? {
    guard data.byteCount >= element.bytes(count) else { return nil }
    switch element {
    case .float32:
      return data.withBytes { bytes in
        (0..<count).map { Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
      }
    case .int8:
      return data.withBytes { bytes in
        (0..<count).map { Double(bytes.loadUnaligned(fromByteOffset: $0, as: Int8.self)) }
      }
    case .int16:
      return data.withBytes { bytes in
        (0..<count).map { Double(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self)) }
      }
    default: return nil
    }
  }
}
