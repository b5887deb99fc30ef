internal import CBLAS
internal import Foundation
package import IR

/// Matrix products and convolutions in single precision through the linear algebra library.
package struct FastKernels: ComputeKernels {
  package init() {}

  package func multiply(_ problem: MatrixProblem, _ a: [Float], _ b: [Float]) -> [Float] {
    let (m, n, k) = (problem.m, problem.n, problem.k)
    let size = m * n
    return [Float](unsafeUninitializedCapacity: size * problem.offsets.count) { c, count in
      count = size * problem.offsets.count
      guard let base = c.baseAddress, count > 0 else { return }
      guard k > 0 else {
        c.initialize(repeating: 0)
        return
      }
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          guard let x = a.baseAddress, let y = b.baseAddress else { return }
          for (index, offset) in problem.offsets.enumerated() {
            cblas_sgemm(
              CblasRowMajor, problem.transposesA ? CblasTrans : CblasNoTrans,
              problem.transposesB ? CblasTrans : CblasNoTrans,
              Int32(m), Int32(n), Int32(k), 1, x + offset.a, Int32(problem.transposesA ? m : k), y + offset.b,
              Int32(problem.transposesB ? k : n), 0, base + index * size, Int32(n))
          }
        }
      }
    }
  }

  package func convolve(_ geometry: Convolution, _ x: [Float], _ w: [Float]) -> [Float] {
    let outPlane = geometry.output.reduce(1, *)
    let total = geometry.images * geometry.outputChannels * outPlane
    return [Float](unsafeUninitializedCapacity: total) { y, count in
      count = total
      guard let target = y.baseAddress, total > 0 else { return }
      x.withUnsafeBufferPointer { x in
        w.withUnsafeBufferPointer { w in
          guard let source = x.baseAddress, let weights = w.baseAddress else {
            y.initialize(repeating: 0)
            return
          }
          ConvolutionLoops(geometry).run(source, weights, target)
        }
      }
    }
  }
}
