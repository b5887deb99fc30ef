package import IR

extension FastKernels {
  /// Elements per piece of work.
  private static let piece = 1 << 14

  package func apply(_ function: VectorFunction, _ x: [Float]) -> [Float] {
    switch function {
    case .exp: map(x) { VectorMath.exp($0) }
    case .erf: map(x) { VectorMath.erf($0) }
    case .tanh: map(x) { VectorMath.tanh($0) }
    case .sigmoid: map(x) { VectorMath.sigmoid($0) }
    case .silu: map(x) { $0 * VectorMath.sigmoid($0) }
    case .gelu: map(x) { $0 * 0.5 * (1 + VectorMath.erf($0 * 0.707_106_77)) }
    case .geluTanh: map(x) { $0 * 0.5 * (1 + VectorMath.tanh(($0 * $0 * 0.044_715 + 1) * $0 * 0.797_884_6)) }
    }
  }

  @inline(__always)
  private func map(_ x: [Float], _ function: (SIMD8<Float>) -> SIMD8<Float>) -> [Float] {
    [Float](unsafeUninitializedCapacity: x.count) { y, filled in
      filled = x.count
      guard let target = y.baseAddress else { return }
      x.withUnsafeBufferPointer { x in
        guard let source = x.baseAddress else { return }
        parallel.forEachRange(filled, of: FastKernels.piece) { range in
          let whole = range.lowerBound + range.count / 8 * 8
          for index in stride(from: range.lowerBound, to: whole, by: 8) {
            let lanes = UnsafeRawPointer(source + index).loadUnaligned(as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(target + index).storeBytes(of: function(lanes), as: SIMD8<Float>.self)
          }
          guard whole < range.upperBound else { return }
          var rest = SIMD8<Float>()
          for index in whole..<range.upperBound { rest[index - whole] = source[index] }
          rest = function(rest)
          for index in whole..<range.upperBound { target[index] = rest[index - whole] }
        }
      }
    }
  }

  package func softmax(_ x: [Float], columns: Int) -> [Float] {
    rows(x, columns) { source, target, scratch in
      var largest = -Float.infinity
      for index in 0..<columns where !(source[index] <= largest) { largest = source[index] }
      var sum = SIMD8<Float>()
      for start in stride(from: 0, to: columns, by: 8) {
        var lanes = SIMD8<Float>(repeating: -.infinity)
        if start + 8 <= columns {
          lanes = UnsafeRawPointer(source + start).loadUnaligned(as: SIMD8<Float>.self)
        } else {
          for index in start..<columns { lanes[index - start] = source[index] }
        }
        lanes = VectorMath.exp(lanes - largest)
        sum += lanes
        UnsafeMutableRawPointer(scratch + start).storeBytes(of: lanes, as: SIMD8<Float>.self)
      }
      let factor = 1 / sum.sum()
      for index in 0..<columns { target[index] = scratch[index] * factor }
    }
  }

  package func normalize(_ x: [Float], scale: [Float], bias: [Float]?, epsilon: Float) -> [Float] {
    let columns = scale.count
    let shift = bias ?? [Float](repeating: 0, count: columns)
    return scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        rows(x, columns) { source, target, _ in
          var sums = SIMD8<Double>()
          let whole = columns / 8 * 8
          for start in stride(from: 0, to: whole, by: 8) {
            sums += SIMD8<Double>(UnsafeRawPointer(source + start).loadUnaligned(as: SIMD8<Float>.self))
          }
          var sum = sums.sum()
          for index in whole..<columns { sum += Double(source[index]) }
          let mean = sum / Double(columns)
          var squares = SIMD8<Double>()
          for start in stride(from: 0, to: whole, by: 8) {
            let difference = SIMD8<Double>(UnsafeRawPointer(source + start).loadUnaligned(as: SIMD8<Float>.self)) - mean
            squares += difference * difference
          }
          var square = squares.sum()
          for index in whole..<columns { square += (Double(source[index]) - mean) * (Double(source[index]) - mean) }
          let inverse = Float(1 / (square / Double(columns) + Double(epsilon)).squareRoot())
          let centre = Float(mean)
          for index in 0..<columns { target[index] = (source[index] - centre) * inverse * scale[index] + shift[index] }
        }
      }
    }
  }

  /// Calls `body(row, result row, scratch of a row and eight more)` for every row.
  private func rows(
    _ x: [Float], _ columns: Int, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: x.count) { y, filled in
      filled = x.count
      guard let target = y.baseAddress, columns > 0 else { return }
      x.withUnsafeBufferPointer { x in
        guard let source = x.baseAddress else { return }
        let count = filled / columns
        let height = max(1, FastKernels.piece / columns)
        parallel.forEach((count + height - 1) / height, scratch: columns + 8) { piece, scratch in
          for row in piece * height..<min(count, (piece + 1) * height) {
            body(source + row * columns, target + row * columns, scratch)
          }
        }
      }
    }
  }
}
