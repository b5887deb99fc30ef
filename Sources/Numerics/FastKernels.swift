internal import CBLAS
package import IR

/// Matrix products and convolutions in single precision through the linear algebra library.
///
/// The library runs on one core per call; pieces of fixed size are shared out here, so that results do not depend on the
/// number of cores.
package struct FastKernels: ComputeKernels {
  let parallel: Parallel

  /// - Parameter threads: cores to use at most.
  package init(threads: Int = 1) {
    _ = LinearAlgebraThreads.areSerial
    parallel = Parallel(threads: max(1, threads))
  }

  package func multiply(_ problem: MatrixProblem, _ a: [Float], _ b: [Float]) -> [Float] {
    let size = problem.m * problem.n
    return [Float](unsafeUninitializedCapacity: size * problem.offsets.count) { c, count in
      count = size * problem.offsets.count
      guard let base = c.baseAddress, count > 0 else { return }
      guard problem.k > 0 else {
        c.initialize(repeating: 0)
        return
      }
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          guard let x = a.baseAddress, let y = b.baseAddress else { return }
          let pieces = MatrixPieces(problem)
          parallel.forEach(pieces.count) { piece, _ in
            for part in pieces.parts(piece) { part.multiply(x, y, into: base + part.output, rowStride: problem.n) }
          }
        }
      }
    }
  }

  package func convolve(_ geometry: Convolution, _ x: [Float], _ w: [Float], bias: [Float]?) -> [Float] {
    let total = geometry.images * geometry.outputChannels * geometry.output.reduce(1, *)
    return [Float](unsafeUninitializedCapacity: total) { y, count in
      count = total
      guard let target = y.baseAddress, total > 0 else { return }
      x.withUnsafeBufferPointer { x in
        w.withUnsafeBufferPointer { w in
          guard let source = x.baseAddress, let weights = w.baseAddress else {
            y.initialize(repeating: 0)
            return
          }
          let loops = ConvolutionLoops(geometry)
          if loops.isDirect {
            loops.direct(source, weights, bias, target, parallel)
            return
          }
          loops.forEachProduct(source, weights, parallel) { p, _ in
            let c = target + p.output
            if let bias {
              for row in 0..<p.m { (c + row * p.rowStride).update(repeating: bias[p.firstFilter + row], count: p.n) }
            }
            LinearAlgebraLibrary.sgemm(
              CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(p.m), Int32(p.n), Int32(p.k), 1, p.a, Int32(p.k), p.b,
              Int32(p.bStride), bias == nil ? 0 : 1, c, Int32(p.rowStride))
          }
        }
      }
    }
  }
}
