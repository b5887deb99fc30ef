import Hardware
import IR
import Lowering
import Results
import Testing

@testable import TensorCoreGPU

/// Whole kernels through the machine, without a contraction.
struct StreamingCostingTests {
  private func result(
    _ computation: Computation, reads: [Operand], writes: [Operand], target: String = "nvidia-a100-sxm4-80gb"
  ) throws -> KernelResult {
    let tensors = (reads + writes).enumerated().map { index, operand in
      Kernel.Tensor(
        id: index, name: "t\(index)", type: TensorType(operand.element, [operand.count]), operand: operand)
    }
    let kernel = Kernel(
      id: 0, name: "kernel", origin: ["node"],
      steps: [
        Kernel.Step(
          computation: computation, label: "step", inputs: Array(reads.indices),
          outputs: writes.indices.map { reads.count + $0 })
      ],
      anchor: 0, reads: Array(tensors[..<reads.count]), writes: Array(tensors[reads.count...]), dependencies: [])
    let target = try Targets.catalog.load(target)
    let run = try GPU(target).run([kernel], RunRequest())
    return try #require(run.kernels.first)
  }

  private func half(_ count: Int, isConstant: Bool = false) -> Operand {
    Operand(element: .float16, count: count, isConstant: isConstant)
  }

  @Test func aGatherReadsTheRowsItAsksForNotTheTable() throws {
    let table = half(128_256 * 4096, isConstant: true)
    let rows = half(16 * 4096)
    let indices = Operand(element: .int64, count: 16)
    let gather = Computation.movement(
      Movement(kind: .gather, inputs: [table, indices], outputs: [rows], elementsRead: 16 * 4096))
    let result = try result(gather, reads: [table, indices], writes: [rows])
    #expect(result.latencySeconds < 5e-6)
  }

  @Test func aViewCostsNothing() throws {
    let operand = half(1 << 20)
    let result = try result(
      .movement(Movement(kind: .view, inputs: [operand], outputs: [operand])), reads: [operand], writes: [operand])
    #expect(result.latencySeconds == 0)
  }

  @Test(arguments: ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb", "nvidia-t4", "nvidia-p100-pcie-16gb"])
  func attentionIsOneKernelBetweenItsFloorAndItsParts(_ target: String) throws {
    let (batch, heads, length, dimension) = (2, 16, 2048, 64)
    let operand = half(batch * heads * length * dimension)
    let attention = Attention(
      batch: batch, heads: heads, keyHeads: heads, queryLength: length, keyLength: length, headDimension: dimension,
      valueDimension: dimension, isCausal: false, query: operand, key: operand, value: operand, output: operand)
    let result = try result(
      .attention(attention), reads: [operand, operand, operand], writes: [operand], target: target)
    #expect(result.floorSeconds <= result.latencySeconds)
    #expect(result.kind == "attention")
    // Three kernels would write and read the scores: four bytes each way at least.
    let gpu = try Targets.gpu(target)
    let scores = Double(batch * heads * length * length) * 4 * 2 / gpu.memory.bandwidth
    #expect(result.latencySeconds < result.floorSeconds + max(scores, 40e-6) * 4)
  }

  @Test func widerRowsOfASoftmaxTakeLonger() throws {
    var last = 0.0
    for columns in [512, 2048, 8192, 32_768] {
      let operand = half(4096 * columns)
      let reduction = Reduction(
        kind: .softmax, rows: 4096, columns: columns, inputs: [operand], outputs: [operand],
        costPerElement: ArithmeticCost(simple: 3, special: 1))
      let result = try result(.reduction(reduction), reads: [operand], writes: [operand])
      #expect(result.latencySeconds > last)
      last = result.latencySeconds
    }
  }
}
