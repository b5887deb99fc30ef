/// What a contraction costs on the multiplier array alone, with every operand at hand; all in cycles of the array clock.
package struct ArrayCost: Hashable, Sendable {
  /// Cycles in which operands stream through the array.
  package var streaming: Int
  /// Cycles spent filling and draining the array.
  package var fillDrain: Int
  /// Cycles in which the array waits for stationary operands to be shifted in.
  package var weightLoad: Int
  /// Cycles bounded by the output stage (scaling, activation, accumulator read-out) beyond the streaming ones.
  package var outputStage: Int

  package init(streaming: Int, fillDrain: Int = 0, weightLoad: Int = 0, outputStage: Int = 0) {
    self.streaming = streaming
    self.fillDrain = fillDrain
    self.weightLoad = weightLoad
    self.outputStage = outputStage
  }

  package static let zero = ArrayCost(streaming: 0)

  package var cycles: Int { streaming + fillDrain + weightLoad + outputStage }

  package func scaled(by factor: Int) -> ArrayCost {
    ArrayCost(
      streaming: streaming * factor, fillDrain: fillDrain * factor, weightLoad: weightLoad * factor,
      outputStage: outputStage * factor)
  }
}
