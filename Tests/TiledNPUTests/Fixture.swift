import Foundation
import IR
import Lowering

@testable import TiledNPU

/// A small linear congruential generator: the same sequence on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

/// Kernels made by hand, without a graph.
enum Fixture {
  static let targets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("targets").path

  static func operand(_ count: Int, constant: Bool = false) -> Operand {
    Operand(element: .int8, count: count, isConstant: constant)
  }

  static func tensor(_ id: Int, _ count: Int, constant: Bool = false) -> Kernel.Tensor {
    Kernel.Tensor(
      id: id, name: "t\(id)", type: TensorType(.int8, [count]), operand: operand(count, constant: constant))
  }

  static func pointwise(_ function: String, elements: Int, id: Int) -> Kernel {
    let step = Pointwise(
      function: function, count: elements, inputs: [operand(elements)], outputs: [operand(elements)],
      costPerElement: ArithmeticCost(simple: 1))
    return Kernel(
      id: id, name: "\(function) \(id)", origin: ["\(function)\(id)"],
      steps: [.init(computation: .pointwise(step), label: function, inputs: [2 * id], outputs: [2 * id + 2])], anchor: 0,
      reads: [tensor(2 * id, elements)], writes: [tensor(2 * id + 2, elements)], dependencies: id > 0 ? [id - 1] : [])
  }

  /// A convolution of `geometry` whose activations are numbered `2·id` and `2·id + 2` and whose weights `2·id + 1`.
  static func convolution(_ geometry: Convolution, id: Int) -> Kernel {
    let inputs = geometry.inputChannels * geometry.input.reduce(1, *)
    let outputs = geometry.outputChannels * geometry.output.reduce(1, *)
    let depth = geometry.kernel.reduce(1, *) * geometry.inputChannels / geometry.groups
    let weights = depth * geometry.outputChannels
    let product = Contraction(
      batch: geometry.groups, m: geometry.output.reduce(1, *), n: geometry.outputChannels / geometry.groups, k: depth,
      lhs: operand(inputs), rhs: operand(weights, constant: true), output: operand(outputs), convolution: geometry)
    return Kernel(
      id: id, name: "conv \(id)", origin: ["conv\(id)"],
      steps: [.init(computation: .contraction(product), label: "conv", inputs: [2 * id, 2 * id + 1], outputs: [2 * id + 2])],
      anchor: 0, reads: [tensor(2 * id, inputs), tensor(2 * id + 1, weights, constant: true)],
      writes: [tensor(2 * id + 2, outputs)], dependencies: id > 0 ? [id - 1] : [])
  }

  /// A chain of random convolutions, each reading what the one before wrote.
  static func chain(length: Int, _ random: inout SeededGenerator) -> [Kernel] {
    var side = Int.random(in: 6...40, using: &random)
    var channels = [3, 8, 16, 24, 64].randomElement(using: &random) ?? 8
    var kernels: [Kernel] = []
    for id in 0..<length {
      let isDepthwise = id > 0 && Bool.random(using: &random)
      let taps = [1, 3, 5].randomElement(using: &random) ?? 1
      let stride = side > 8 ? Int.random(in: 1...2, using: &random) : 1
      let filters = isDepthwise ? channels : [8, 20, 32, 64, 96, 128].randomElement(using: &random) ?? 8
      let output = (side + stride - 1) / stride
      kernels.append(
        convolution(
          Convolution(
            images: 1, inputChannels: channels, outputChannels: filters, groups: isDepthwise ? channels : 1,
            input: [side, side], output: [output, output], kernel: [taps, taps], strides: [stride, stride],
            dilations: [1, 1], padsBegin: [taps / 2, taps / 2], padsEnd: [taps / 2, taps / 2]), id: id))
      side = output
      channels = filters
    }
    return kernels
  }
}
