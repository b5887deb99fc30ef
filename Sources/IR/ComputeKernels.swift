/// Fast single-precision inner loops that an evaluator lends to operators: whole computations, never operators.
///
/// Operators keep what is theirs (layouts, broadcasting, scaling) and hand over the loops that cost time. Results depend
/// on the shapes only, never on how many cores take part.
package protocol ComputeKernels: Sendable {
  /// C[m,n] = A·B for every pair of offsets (in elements) into `a` and `b`; results follow each other.
  /// A is stored [m,k], or [k,m] when transposed; B [k,n], or [n,k] when transposed.
  func multiply(_ problem: MatrixProblem, _ a: [Float], _ b: [Float]) -> [Float]

  /// y = conv(x, w) + bias[f]: x [n, c, spatial…], w [f, c/groups, taps…], y [n, f, spatial…].
  func convolve(_ geometry: Convolution, _ x: [Float], _ w: [Float], bias: [Float]?) -> [Float]

  /// As `multiply` on whole numbers of magnitude 255 or less, with exact 32-bit sums.
  func multiplyExactly(_ problem: MatrixProblem, _ a: [Float], _ b: [Float]) -> [Int32]

  /// As `convolve` on whole numbers of magnitude 255 or less, with exact 32-bit sums.
  func convolveExactly(_ geometry: Convolution, _ x: [Float], _ w: [Float]) -> [Int32]

  /// Largest element of every window: x [n, c, spatial…] to [n, c, spatial…]; padding never wins.
  func largest(_ geometry: Convolution, _ x: [Float]) -> [Float]

  /// f(x) for every element, within a few units in the last place of single precision.
  func apply(_ function: VectorFunction, _ x: [Float]) -> [Float]

  /// exp(x − max)/Σexp(x − max) of every row of `columns` elements.
  func softmax(_ x: [Float], columns: Int) -> [Float]

  /// (x − mean)/√(variance + ε)·scale + bias of every row of as many elements as `scale` has.
  func normalize(_ x: [Float], scale: [Float], bias: [Float]?, epsilon: Float) -> [Float]
}

/// Functions with a vector loop of their own.
package enum VectorFunction: Sendable { case exp, erf, tanh, sigmoid, silu, gelu, geluTanh }

/// A stack of equally sized matrix products.
package struct MatrixProblem: Sendable {
  package var m: Int
  package var n: Int
  package var k: Int
  package var transposesA: Bool
  package var transposesB: Bool
  /// Where each product's operands begin.
  package var offsets: [(a: Int, b: Int)]

  package init(
    m: Int, n: Int, k: Int, transposesA: Bool = false, transposesB: Bool = false, offsets: [(a: Int, b: Int)] = [(0, 0)]
  ) {
    self.m = m
    self.n = n
    self.k = k
    self.transposesA = transposesA
    self.transposesB = transposesB
    self.offsets = offsets
  }
}
