internal import IR
package import Lowering

extension Kernel {
  /// What a pipeline does for one of the `frames` inputs of a batch; nil when some step of the kernel needs them together.
  ///
  /// A pipeline takes inputs one after another: a batch is that many frames, not a tensor that is as many times as large.
  package func frame(of frames: Int) -> Kernel? {
    var result = self
    for index in steps.indices {
      guard let computation = steps[index].computation.frame(of: frames) else { return nil }
      result.steps[index].computation = computation
    }
    result.reads = reads.map { $0.frame(of: frames) }
    result.writes = writes.map { $0.frame(of: frames) }
    return result
  }
}

extension Kernel.Tensor {
  /// Its part of one frame; constants and what all frames share stay whole.
  fileprivate func frame(of frames: Int) -> Kernel.Tensor {
    guard !operand.isConstant, let leading = type.shape.first?.constant, leading % frames == 0 else { return self }
    var result = self
    result.type.shape[0] = .constant(leading / frames)
    result.operand = operand.frame(of: frames)
    result.touchedBytes = touchedBytes / frames
    return result
  }
}

extension Operand {
  fileprivate func frame(of frames: Int) -> Operand {
    guard !isConstant, count % frames == 0 else { return self }
    var result = self
    result.count = count / frames
    return result
  }
}

extension Computation {
  /// The part of one frame; nil when the work does not fall into equal parts.
  fileprivate func frame(of frames: Int) -> Computation? {
    func share(_ extent: Int) -> Int? { extent % frames == 0 ? extent / frames : nil }
    let part: Computation
    switch self {
    case .contraction(var product):
      guard product.split(into: frames) else { return nil }
      part = .contraction(product)
    case .attention(var attention):
      guard let batch = share(attention.batch) else { return nil }
      attention.batch = batch
      part = .attention(attention)
    case .pointwise(var pointwise):
      guard let count = share(pointwise.count) else { return nil }
      pointwise.count = count
      part = .pointwise(pointwise)
    case .reduction(var reduction):
      guard let rows = share(reduction.rows), let images = share(reduction.window?.images ?? frames) else { return nil }
      reduction.rows = rows
      reduction.window?.images = images
      part = .reduction(reduction)
    case .movement(var movement):
      guard movement.outputs.allSatisfy({ share($0.count) != nil }) else { return nil }
      movement.elementsRead = movement.elementsRead.map { share($0) ?? $0 }
      part = .movement(movement)
    case .loop(var loop):
      let body = loop.body.compactMap { $0.frame(of: frames) }
      guard body.count == loop.body.count else { return nil }
      loop.body = body
      (loop.inputs, loop.outputs) = (loop.inputs.map { $0.frame(of: frames) }, loop.outputs.map { $0.frame(of: frames) })
      return .loop(loop)
    case .opaque(let opaque):
      guard opaque.outputs.allSatisfy({ share($0.count) != nil }) else { return nil }
      part = self
    }
    return part.mappingOperands { $0.frame(of: frames) }
  }
}

extension Contraction {
  /// Keeps the rows of one of `frames` equal parts; false when there are no such parts.
  fileprivate mutating func split(into frames: Int) -> Bool {
    if let images = convolution?.images {
      guard images % frames == 0, m % frames == 0 else { return false }
      convolution?.images = images / frames
      m /= frames
    } else if batch % frames == 0 {
      batch /= frames
    } else {
      // Rows of several inputs may follow each other only where all see the same weights.
      guard m % frames == 0, batch == 1, rhs.isConstant else { return false }
      m /= frames
    }
    return true
  }
}
