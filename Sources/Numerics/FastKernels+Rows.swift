internal import Foundation
package import IR

extension FastKernels {
  package func softmax(_ x: [Float], columns: Int) -> [Float] {
    mapRows(x, columns) { x, y, count in
      var largest = -Float.infinity
      for index in 0..<count { largest = max(largest, x[index]) }
      var sum: Float = 0
      for index in 0..<count {
        let value = exp(x[index] - largest)
        y[index] = value
        sum += value
      }
      let factor = 1 / sum
      for index in 0..<count { y[index] *= factor }
    }
  }

  package func normalize(_ x: [Float], columns: Int, epsilon: Float, scale: [Float]?, shift: [Float]?) -> [Float] {
    let scale = scale ?? Array(repeating: 1, count: columns)
    let shift = shift ?? Array(repeating: 0, count: columns)
    return scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        mapRows(x, columns) { x, y, count in
          var sum = 0.0
          for index in 0..<count { sum += Double(x[index]) }
          let mean = Float(sum / Double(count))
          var squares = 0.0
          for index in 0..<count {
            let difference = x[index] - mean
            y[index] = difference
            squares += Double(difference * difference)
          }
          let inverse = Float(1 / (squares / Double(count) + Double(epsilon)).squareRoot())
          for index in 0..<count { y[index] = y[index] * inverse * scale[index] + shift[index] }
        }
      }
    }
  }

  package func scaleChannels(_ x: [Float], plane: Int, factors: [Float], offsets: [Float]) -> [Float] {
    var row = 0
    return mapRows(x, plane) { x, y, count in
      let (factor, offset) = (factors[row % factors.count], offsets[row % factors.count])
      for index in 0..<count { y[index] = x[index] * factor + offset }
      row += 1
    }
  }

  package func largest(_ g: Convolution, _ x: [Float]) -> [Float] {
    let (inPlane, outPlane) = (g.input.reduce(1, *), g.output.reduce(1, *))
    let planes = g.images * g.inputChannels
    let loops = ConvolutionLoops(g)
    return [Float](unsafeUninitializedCapacity: planes * outPlane) { y, count in
      count = planes * outPlane
      y.initialize(repeating: -.infinity)
      guard let target = y.baseAddress else { return }
      x.withUnsafeBufferPointer { x in
        guard let source = x.baseAddress else { return }
        for plane in 0..<planes {
          loops.forEachSpan { input, stride, output, length in
            let line = source + plane * inPlane + input
            let row = target + plane * outPlane + output
            for index in 0..<length {
              let value = line[index * stride]
              if value > row[index] || value.isNaN { row[index] = value }
            }
          }
        }
      }
    }
  }

  /// Calls `body(row of x, row of y, columns)` for every row.
  private func mapRows(
    _ x: [Float], _ columns: Int, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: x.count) { y, count in
      count = x.count
      x.withUnsafeBufferPointer { x in
        guard let source = x.baseAddress, let target = y.baseAddress, columns > 0 else { return }
        for row in 0..<x.count / columns { body(source + row * columns, target + row * columns, columns) }
      }
    }
  }
}
