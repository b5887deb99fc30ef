package import IR

/// An operator that multiplies activations (input 0) by weights (input 1): what compression works on.
package protocol WeightedOperator: Operator {
  /// Where channels and reduction lie in a weight of this rank (at least 2).
  func weightLayout(rank: Int) -> WeightLayout
}

extension WeightedOperator {
  /// Input index of the weights.
  package static var weightInput: Int { 1 }
}

/// Axes of a weight tensor, and where its channels meet the activations.
package struct WeightLayout: Sendable, Hashable {
  /// Axis of the output channels; with groups, `groups` × this axis where the weight holds the channels of one group.
  package var outputAxis: Int
  /// Axes summed over, in storage order: input channels (of one group) and taps.
  package var reductionAxes: [Int]
  package var groups: Int
  /// Axis of the activations whose channels are summed over; negative counts from the end.
  package var channelAxisOfInput: Int
  /// Input index of a bias with one element per output channel; nil when the operator has none.
  package var biasInput: Int?

  package init(outputAxis: Int, reductionAxes: [Int], groups: Int = 1, channelAxisOfInput: Int, biasInput: Int?) {
    self.outputAxis = outputAxis
    self.reductionAxes = reductionAxes
    self.groups = groups
    self.channelAxisOfInput = channelAxisOfInput
    self.biasInput = biasInput
  }
}
