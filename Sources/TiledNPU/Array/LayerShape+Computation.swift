package import IR

extension LayerShape {
  /// The contraction in the array's terms.
  ///
  /// One spatial axis is a row of width; a third one is folded into images and channels, which keeps the multiplications.
  /// A transposed convolution is the product it computes, without its halo.
  package init(_ contraction: Contraction) {
    guard let c = contraction.convolution, !c.isTransposed, (1...3).contains(c.kernel.count) else {
      self = .matrixProduct(
        rows: contraction.m, columns: contraction.n, depth: contraction.k, batch: max(contraction.batch, 1))
      return
    }
    let hasDepth = c.kernel.count == 3
    let (outputPlanes, planeTaps) = hasDepth ? (c.output[0], c.kernel[0]) : (1, 1)
    let axes = Array(c.kernel.indices.suffix(2))
    func pair(_ values: [Int]) -> (height: Int, width: Int) {
      axes.count == 1 ? (1, values[axes[0]]) : (values[axes[0]], values[axes[1]])
    }
    let input = pair(c.input)
    let output = pair(c.output)
    self.init(
      batch: c.images * outputPlanes, input: (input.height, input.width, c.inputChannels * planeTaps),
      output: (output.height, output.width, c.outputChannels), kernel: pair(c.kernel), stride: pair(c.strides),
      dilation: pair(c.dilations), groups: c.groups)
  }

  /// The window of a pooling in the array's terms: one input channel per output channel.
  package init(pooling window: Convolution) {
    let flat = Contraction(
      batch: 1, m: 1, n: 1, k: 1, lhs: Operand(element: .int8, count: 1), rhs: Operand(element: .int8, count: 1),
      output: Operand(element: .int8, count: 1), convolution: window)
    self.init(flat)
    inputChannels = window.inputChannels
    outputChannels = window.inputChannels
    groups = max(window.inputChannels, 1)
  }
}
