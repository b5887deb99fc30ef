internal import Basic
package import IR
internal import Results

extension MixtureModel {
  /// One grouped product: every row of a contraction times the weights of the expert it was routed to.
  ///
  /// A graph says how many experts are chosen and not which: tokens choose at random and alike. Nil for a product whose rows
  /// share their weights.
  ///
  /// `launch` and the walk over the list of experts were measured for a layer of two such products and the small kernels
  /// around them. Those are nodes of their own in a graph, so that every product takes half.
  package func estimate(_ product: Contraction) -> KernelEstimate? {
    guard let experts = product.experts else { return nil }
    let shape = MixtureShape(
      hidden: product.k, inner: product.n, isGated: false,
      routing: Routing(
        tokens: product.m / max(1, product.choices), choices: product.choices, experts: experts, distribution: .uniform),
      weightBits: product.rhs.bitsPerElement,
      activationBits: product.lhs.storage.bits)
    guard let loads = shape.routing.loads().first else { return nil }
    let parts = grouped(shape, loads, columns: product.n, depth: product.k)
    let launch = software.launch / 2
    let body = parts.products + Double(shape.routing.local) * software.problemPerExpert / 2
    let bytes = parts.weights * device.memoryRate * software.weightEfficiency
    return KernelEstimate(
      seconds: launch + body, floorSeconds: parts.floor,
      bound: body < launch ? .launch : parts.weights > body / 2 ? .memory : .compute,
      reason:
        "\(loads.touched) of \(experts) experts with \(Format.bytes(bytes)) of weights serve \(product.m) rows, chosen at random",
      choice: software.name, memoryBytes: bytes)
  }
}

extension Operand {
  /// Stored bits of one element, scales included.
  fileprivate var bitsPerElement: Double { count > 0 ? Double(bytes) * 8 / Double(count) : Double(storage.bits) }
}
