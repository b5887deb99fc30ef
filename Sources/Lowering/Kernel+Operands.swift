package import IR

extension Kernel {
  /// The same kernel with its tensors stored in another way; of gathered tables as large a share is touched as before.
  package func mappingOperands(_ change: (Operand) -> Operand) -> Kernel {
    var result = self
    for index in steps.indices { result.steps[index].computation = steps[index].computation.mappingOperands(change) }
    result.reads = reads.map { $0.mappingOperand(change) }
    result.writes = writes.map { $0.mappingOperand(change) }
    return result
  }
}

extension Kernel.Tensor {
  /// The same tensor stored in another way.
  package func mappingOperand(_ change: (Operand) -> Operand) -> Kernel.Tensor {
    var result = self
    result.operand = change(operand)
    let (before, after) = (operand.bytes, result.operand.bytes)
    if before != after, before > 0 {
      result.touchedBytes = touchedBytes == before ? after : Int((Double(touchedBytes) * Double(after) / Double(before)).rounded(.up))
    }
    return result
  }
}

extension Computation {
  /// The same work on other operands.
  package func mappingOperands(_ change: (Operand) -> Operand) -> Computation {
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
