package import IR
internal import Basic
internal import Foundation

/// Deterministic tensors from a seed: inputs of a test run, and weights a shipped graph comes without.
package enum SeededInputs {
  /// One tensor per graph input; inputs with unbound extents, sequences and optionals cannot be made.
  package static func inputs(of graph: Graph, seed: UInt64) throws(OperatorError) -> [Datum?] {
    var data: [Datum?] = []
    for (index, input) in graph.inputs.enumerated() {
      guard let type = graph.tensorType(input), type.constantShape != nil else {
        throw OperatorError("unbound-dimension", "input '\(graph[input].name)' has no fixed shape")
      }
      data.append(.tensor(tensor(type, seed: mix(seed, UInt64(index)), isWeight: false)))
    }
    return data
  }

  /// Floats near the standard normal distribution, weights scaled by 1/√(elements per first extent) so that signals
  /// keep their size from layer to layer; small non-negative integers; fair booleans.
  package static func tensor(_ type: TensorType, seed: UInt64, isWeight: Bool) -> Tensor {
    let shape = type.constantShape ?? []
    let count = shape.reduce(1, *)
    var generator = SplitMix64(seed: seed)
    switch type.element {
    case .string: return Tensor(.string, shape, .string((0..<count).map { "s\($0)" }))
    case .bool: return Tensor(.bool, shape, .bool((0..<count).map { _ in generator.next() & 1 == 1 }))
    default: break
    }
    if type.element.isFloat {
      let fan = Double(max(1, count / max(1, shape.first ?? 1)))
      let scale = isWeight ? 1 / fan.squareRoot() : 1
      return Tensor(type.element, shape, rounding: (0..<count).map { _ in generator.nextNormal() * scale })
    }
    let limit: UInt64 = type.element.bits < 8 ? 4 : 16
    return Tensor(type.element, shape, saturating: (0..<count).map { _ in Int64(generator.next() % limit) })
  }

  /// A seed that depends on both numbers.
  package static func mix(_ seed: UInt64, _ salt: UInt64) -> UInt64 {
    var generator = SplitMix64(seed: seed ^ (salt &* 0xD1B5_4A32_D192_ED03))
    return generator.next()
  }
}

extension SplitMix64 {
  /// Standard normal, by Box and Muller's method.
  fileprivate mutating func nextNormal() -> Double {
    let u = (Double(next() >> 11) + 1) * 0x1p-53
    let v = unit()
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}
