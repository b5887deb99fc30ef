internal import IR
package import Lowering

/// A network whose products take integers keeps its feature maps in those integers between layers, as accelerators do:
/// nothing is stored as a floating-point number in between.
package enum FeatureMapFormat {
  /// The kernels with floating-point activations stored in the integer format of the products, if they have one.
  package static func unified(_ kernels: [Kernel]) -> [Kernel] {
    guard let format = integerFormat(kernels) else { return kernels }
    func stored(_ operand: Operand) -> Operand {
      guard operand.storage.isFloat else { return operand }
      return Operand(element: format, count: operand.count, isConstant: operand.isConstant)
    }
    return kernels.map { kernel in
      var kernel = kernel
      for index in kernel.steps.indices {
        kernel.steps[index].computation = kernel.steps[index].computation.mappingOperands(stored)
      }
      for index in kernel.reads.indices { kernel.reads[index].operand = stored(kernel.reads[index].operand) }
      for index in kernel.writes.indices { kernel.writes[index].operand = stored(kernel.writes[index].operand) }
      return kernel
    }
  }

  /// What the first product on integers reads.
  private static func integerFormat(_ kernels: [Kernel]) -> ElementType? {
    for kernel in kernels {
      for step in kernel.steps {
        guard case .contraction(let contraction) = step.computation, contraction.lhs.storage.isInteger else { continue }
        return contraction.lhs.storage
      }
    }
    return nil
  }
}

extension Computation {
  /// The same work on other operands.
  fileprivate func mappingOperands(_ change: (Operand) -> Operand) -> Computation {
    switch self {
    case .contraction(var c):
      (c.lhs, c.rhs, c.output) = (change(c.lhs), change(c.rhs), change(c.output))
      return .contraction(c)
    case .attention(var a):
      (a.query, a.key, a.value, a.output) = (change(a.query), change(a.key), change(a.value), change(a.output))
      return .attention(a)
    case .pointwise(var p):
      (p.inputs, p.outputs) = (p.inputs.map(change), p.outputs.map(change))
      return .pointwise(p)
    case .reduction(var r):
      (r.inputs, r.outputs) = (r.inputs.map(change), r.outputs.map(change))
      return .reduction(r)
    case .movement(var m):
      (m.inputs, m.outputs) = (m.inputs.map(change), m.outputs.map(change))
      return .movement(m)
    case .loop(var l):
      l.body = l.body.map { $0.mappingOperands(change) }
      (l.inputs, l.outputs) = (l.inputs.map(change), l.outputs.map(change))
      return .loop(l)
    case .opaque(var o):
      (o.inputs, o.outputs) = (o.inputs.map(change), o.outputs.map(change))
      return .opaque(o)
    }
  }
}
