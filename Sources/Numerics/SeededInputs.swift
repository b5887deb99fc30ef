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
    var generator = SplitMix(state: seed)
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
    var generator = SplitMix(state: seed ^ (salt &* 0xD1B5_4A32_D192_ED03))
    return generator.next()
  }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Box–Muller.
  mutating func nextNormal() -> Double {
    let u = (Double(next() >> 11) + 1) * 0x1p-53
    let v = Double(next() >> 11) * 0x1p-53
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}
