package import IR

extension FastKernels {
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
        parallel.forEachRange(planes, of: max(1, 65_536 / max(1, outPlane * loops.taps))) { range in
          for plane in range {
            loops.forEachSpan { input, stride, output, length in
              let line = source + plane * inPlane + input
              let row = target + plane * outPlane + output
              for index in 0..<length {
                let value = line[index * stride]
                row[index] = value > row[index] || value.isNaN ? value : row[index]
              }
            }
          }
        }
      }
    }
  }
}
