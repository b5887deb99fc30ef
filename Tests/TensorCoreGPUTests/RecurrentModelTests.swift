import IR
import Testing

@testable import TensorCoreGPU

struct RecurrentModelTests {
  private func layer(hidden: Int, batch: Int, steps: Int, directions: Int = 1, input: Int = 512) -> Loop {
    func activations(_ count: Int) -> Operand { Operand(element: .float16, count: batch * count) }
    func weights(_ from: Int) -> Operand { Operand(element: .float16, count: 4 * hidden * from, isConstant: true) }
    func product(_ from: Int) -> Computation {
      .contraction(
        Contraction(
          batch: 1, m: batch, n: 4 * hidden, k: from, lhs: activations(from), rhs: weights(from), output: activations(4 * hidden)))
    }
    let gates = Pointwise(
      function: "lstm-gates", count: batch * hidden, inputs: [activations(4 * hidden)], outputs: [activations(hidden)],
      costPerElement: ArithmeticCost(simple: 14, special: 8))
    return Loop(
      label: "lstm", tripCount: steps, parallel: directions, body: [product(input), product(hidden), .pointwise(gates)],
      inputs: [activations(input * steps)], outputs: [activations(hidden * steps)])
  }

  private func estimate(_ loop: Loop, _ target: String = "nvidia-a100-sxm4-80gb") throws -> ContractionEstimate {
    let gpu = try Targets.gpu(target)
    let model = RecurrentModel(
      gpu: gpu, software: try #require(gpu.recurrent), contractions: ContractionModel(gpu), streaming: StreamingCosting(gpu))
    return try model.estimate(try #require(RecurrentModel.Layer(loop)))
  }

  @Test func smallWeightsStayOnTheChip() throws {
    let small = try estimate(layer(hidden: 512, batch: 16, steps: 100))
    #expect(small.choice.contains("persistent"))
    // 4 · 8192² halves are 537 MB, more than all registers and shared memory.
    let large = try estimate(layer(hidden: 8192, batch: 16, steps: 100))
    #expect(large.choice.contains("per step"))
  }

  @Test func timeGrowsWithStepsAndNeverBelowTheBarriers() throws {
    let (short, long) = (try estimate(layer(hidden: 512, batch: 16, steps: 50)), try estimate(layer(hidden: 512, batch: 16, steps: 500)))
    #expect(long.seconds > 8 * short.seconds)
    let barrier = try #require(try Targets.gpu("nvidia-a100-sxm4-80gb").recurrent).barrier
    #expect(long.seconds > 500 * barrier)
    #expect(long.floorSeconds <= long.seconds)
  }

  @Test func aSecondDirectionCostsAtMostTwice() throws {
    let one = try estimate(layer(hidden: 1024, batch: 32, steps: 64))
    let two = try estimate(layer(hidden: 1024, batch: 32, steps: 64, directions: 2))
    #expect(two.seconds > one.seconds && two.seconds <= 2 * one.seconds)
  }

  @Test func otherLoopsAreNotRecurrentLayers() {
    var loop = layer(hidden: 64, batch: 1, steps: 2)
    loop.body.removeLast()
    #expect(RecurrentModel.Layer(loop) == nil)
  }
}
