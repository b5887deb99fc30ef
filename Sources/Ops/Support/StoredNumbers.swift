internal import IR

extension ScaleMap {
  /// Vector form of quantisation to integers of 8 bits or less; nil for other types.
  func quantize(
    _ x: [Float], to element: ElementType, _ shape: [Int], scales: [Float], zeros: [Int64]?
  ) -> Tensor? {
    guard element.isInteger, element.bits <= 8, let range = NumberFormat.integerRange(of: element) else { return nil }
    let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
    func stored<T: FixedWidthInteger>(_ type: T.Type) -> [T] {
      [T](unsafeUninitializedCapacity: x.count) { result, filled in
        filled = x.count
        x.withUnsafeBufferPointer { x in
          forEachRun(x.count) { run, index in
            let (scale, zero) = (scales[index], Float(zeros?[index] ?? 0))
            for i in run { result.initializeElement(at: i, to: T(truncatingIfNeeded: round(x[i] / scale, zero, low, high))) }
          }
        }
      }
    }
    return element.isSignedInteger
      ? Tensor(element, shape, .int8(stored(Int8.self))) : Tensor(element, shape, .uint8(stored(UInt8.self)))
  }

  /// Rounded to even, shifted, saturated; not a number counts as 0. Without branches, so that loops become vector loops.
  @inline(__always)
  private func round(_ ratio: Float, _ zero: Float, _ low: Float, _ high: Float) -> Int32 {
    // Adding 1.5·2^23 rounds to the nearest whole number; its low bits are then the number.
    let magic: Float = 12_582_912
    let number = ratio == ratio ? ratio : 0
    let bounded = number > 1024 ? 1024 : (number < -1024 ? -1024 : number)
    let shifted = (bounded + magic) - magic + zero
    let saturated = shifted > high ? high : (shifted < low ? low : shifted)
    return Int32(bitPattern: (saturated + magic).bitPattern) &- Int32(bitPattern: magic.bitPattern)
  }

  /// Vector form of dequantisation to f32 from integers of 16 bits or less; nil for other types.
  func dequantize(_ x: Tensor, scales: [Float], zeros: [Float]?) throws(OperatorError) -> [Float]? {
    guard x.element.isInteger, x.element.bits <= 16 else { return nil }
    var values = try x.floats()
    values.withUnsafeMutableBufferPointer { values in
      forEachRun(values.count) { run, index in
        let (scale, zero) = (scales[index], zeros?[index] ?? 0)
        for i in run { values[i] = (values[i] - zero) * scale }
      }
    }
    return values
  }
}
