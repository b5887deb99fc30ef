internal import CBLAS
package import IR

/// Exact integer sums by single-precision products: sums of up to 2^24 are whole numbers without rounding, so the
/// reduction is cut into stretches that cannot exceed it, and stretches are added as integers.
extension FastKernels {
  package func multiplyExactly(_ problem: MatrixProblem, _ a: [Float], _ b: [Float]) -> [Int32] {
    let size = problem.m * problem.n
    var sums = [Int32](repeating: 0, count: size * problem.offsets.count)
    let stretch = FastKernels.stretch(a, b, problem.k)
    sums.withUnsafeMutableBufferPointer { sums in
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          guard let x = a.baseAddress, let y = b.baseAddress, let base = sums.baseAddress else { return }
          let pieces = MatrixPieces(problem)
          parallel.forEach(pieces.count, scratch: size) { piece, scratch in
            for part in pieces.parts(piece) {
              for depth in stride(from: 0, to: problem.k, by: stretch) {
                let depths = depth..<min(problem.k, depth + stretch)
                part.multiply(x, y, into: scratch, rowStride: part.columns.count, depths: depths)
                for row in 0..<part.rows.count {
                  FastKernels.add(
                    scratch + row * part.columns.count, to: base + part.output + row * problem.n, part.columns.count)
                }
              }
            }
          }
        }
      }
    }
    return sums
  }

  package func convolveExactly(_ geometry: Convolution, _ x: [Float], _ w: [Float]) -> [Int32] {
    let loops = ConvolutionLoops(geometry)
    let stretch = FastKernels.stretch(x, w, loops.channels * loops.taps)
    if loops.isDirect, stretch >= loops.taps {
      return convolve(geometry, x, w, bias: nil).map { Int32(exactly: $0) ?? 0 }
    }
    var sums = [Int32](repeating: 0, count: geometry.images * geometry.outputChannels * loops.outPlane)
    sums.withUnsafeMutableBufferPointer { sums in
      x.withUnsafeBufferPointer { x in
        w.withUnsafeBufferPointer { w in
          guard let source = x.baseAddress, let weights = w.baseAddress, let base = sums.baseAddress else { return }
          loops.forEachProduct(source, weights, parallel) { p, scratch in
            for depth in stride(from: 0, to: p.k, by: stretch) {
              LinearAlgebraLibrary.sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(p.m), Int32(p.n), Int32(min(stretch, p.k - depth)), 1,
                p.a + depth, Int32(p.k), p.b + depth * p.bStride, Int32(p.bStride), 0, scratch, Int32(p.n))
              for row in 0..<p.m { FastKernels.add(scratch + row * p.n, to: base + p.output + row * p.rowStride, p.n) }
            }
          }
        }
      }
    }
    return sums
  }

  /// How many products of these magnitudes add up to less than 2^24; at least 1.
  private static func stretch(_ a: [Float], _ b: [Float], _ depth: Int) -> Int {
    func largest(_ values: [Float]) -> Float { values.reduce(1) { max($0, $1.magnitude) } }
    return max(1, min(depth, Int(16_777_216 / (largest(a) * largest(b)))))
  }

  /// Adds whole numbers as integers: beyond 1.5·2^52 the low bits of a double are the number itself, and unlike a checked
  /// conversion that is a vector loop.
  @inline(__always)
  private static func add(_ values: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Int32>, _ count: Int) {
    for index in 0..<count {
      sums[index] &+= Int32(truncatingIfNeeded: (Double(values[index]) + 0x1.8p52).bitPattern)
    }
  }
}
