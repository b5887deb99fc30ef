/// Machine-independent work of a computation.
package struct Work: Hashable, Sendable {
  /// Multiply-accumulates of contractions.
  package var macs: Int
  /// Floating-point operations: two per MAC plus the arithmetic of everything else.
  package var flops: Int
  /// Special-function evaluations among the FLOPs.
  package var specials: Int

  package init(macs: Int = 0, flops: Int = 0, specials: Int = 0) {
    self.macs = macs
    self.flops = flops
    self.specials = specials
  }

  /// What one kernel may do at most; no machine finishes it in a day.
  package static let largest = 1 << 58

  package static func + (a: Work, b: Work) -> Work {
    Work(macs: sum(a.macs, b.macs), flops: sum(a.flops, b.flops), specials: sum(a.specials, b.specials))
  }

  package static func * (a: Work, count: Int) -> Work {
    Work(macs: product(a.macs, count), flops: product(a.flops, count), specials: product(a.specials, count))
  }
}

/// The product, 2^62 where it is more or a factor is negative: work never wraps around to little.
private func product(_ factors: Int...) -> Int { factors.checkedProduct ?? 1 << 62 }

private func sum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflows) = a.addingReportingOverflow(b)
  return overflows ? 1 << 62 : min(sum, 1 << 62)
}

extension Computation {
  /// Dense work: sparsity and causality of masks that a kernel can skip are counted as the mathematics needs them.
  package var work: Work {
    switch self {
    case .contraction(let c):
      let macs = c.macs
      return Work(macs: macs, flops: sum(product(2, macs), c.hasBias ? c.output.count : 0))
    case .attention(let a):
      let macs = a.macs
      let scores = a.scoreCount
      return Work(
        macs: macs, flops: sum(product(2, macs), product(a.isCapped ? 8 : 5, scores)), specials: product(a.isCapped ? 2 : 1, scores))
    case .pointwise(let p): return Work(elements: p.count, cost: p.costPerElement)
    case .reduction(let r): return Work(elements: product(r.rows, r.columns), cost: r.costPerElement)
    case .movement, .opaque: return Work()
    case .loop(let loop):
      return loop.body.reduce(Work()) { $0 + $1.work } * product(loop.tripCount, loop.parallel)
    }
  }

  /// Operands read, in order; a constant weight counts.
  package var inputs: [Operand] {
    switch self {
    case .contraction(let c): [c.lhs, c.rhs]
    case .attention(let a): [a.query, a.key, a.value]
    case .pointwise(let p): p.inputs
    case .reduction(let r): r.inputs
    case .movement(let m): m.inputs
    case .loop(let l): l.inputs
    case .opaque(let o): o.inputs
    }
  }

  package var outputs: [Operand] {
    switch self {
    case .contraction(let c): [c.output]
    case .attention(let a): [a.output]
    case .pointwise(let p): p.outputs
    case .reduction(let r): r.outputs
    case .movement(let m): m.outputs
    case .loop(let l): l.outputs
    case .opaque(let o): o.outputs
    }
  }

  /// A view moves no byte and costs nothing on any machine.
  package var isView: Bool {
    if case .movement(let movement) = self { movement.kind == .view } else { false }
  }
}

extension Work {
  fileprivate init(elements: Int, cost: ArithmeticCost) {
    self.init(flops: product(elements, sum(cost.simple, cost.special)), specials: product(elements, cost.special))
  }
}

extension Contraction {
  package var macs: Int { product(batch, m, n, k) }
}

extension Attention {
  /// Query–key pairs that count: all of them, the causal triangle, or the window's band.
  ///
  /// Query i of a causal attention sees min(i + keyLength - queryLength + 1, window) keys; the sum is in closed form.
  package var scoreCount: Int {
    let widest = Swift.min(window ?? keyLength, keyLength)
    guard isCausal else { return product(batch, heads, queryLength, widest) }
    let first = keyLength - queryLength + 1
    let skipped = Swift.max(0, Swift.min(queryLength, 1 - first))
    let start = Swift.min(Swift.max(first, 1), widest)
    let ramp = Swift.max(0, Swift.min(queryLength - skipped, widest - start))
    let pairs = sum(sum(product(ramp, start), product(ramp, max(0, ramp - 1)) / 2), product(queryLength - skipped - ramp, widest))
    return product(batch, heads, pairs)
  }

  package var macs: Int { product(scoreCount, headDimension + valueDimension) }
}
