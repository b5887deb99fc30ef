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
    return kernels.map { $0.mappingOperands(stored) }
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
