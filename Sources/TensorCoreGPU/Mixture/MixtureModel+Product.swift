internal import Basic
package import IR
internal import Results

extension MixtureModel {
  /// One grouped product: every row of a contraction times the weights of the expert it was routed to.
  ///
  /// Rows are dealt evenly over the experts, since a graph says how many are chosen and not which. Nil for a product whose
  /// rows share their weights.
  package func estimate(_ product: Contraction) -> KernelEstimate? {
    guard let experts = product.experts else { return nil }
    let shape = MixtureShape(
      hidden: product.k, inner: product.n, isGated: false,
      routing: Routing(tokens: product.m, choices: 1, experts: experts), weightBits: product.rhs.bitsPerElement,
      activationBits: product.lhs.storage.bits)
    guard let loads = shape.routing.loads().first else { return nil }
    let parts = grouped(shape, loads, columns: product.n, depth: product.k)
    let body = parts.products + Double(shape.routing.local) * software.problemPerExpert
    let bytes = parts.weights * device.memoryRate * software.weightEfficiency
    return KernelEstimate(
      seconds: software.launch + body, floorSeconds: parts.floor,
      bound: body < software.launch ? .launch : parts.weights > body / 2 ? .memory : .compute,
      reason: "\(loads.touched) of \(experts) experts with \(Format.bytes(bytes)) of weights serve \(product.m) rows",
      choice: software.name, memoryBytes: bytes)
  }
}

extension Operand {
  /// Stored bits of one element, scales included.
  fileprivate var bitsPerElement: Double { count > 0 ? Double(bytes) * 8 / Double(count) : Double(storage.bits) }
}
