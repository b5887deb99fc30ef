package import IR

extension [Datum?] {
  /// The tensor at a required position.
  package func tensor(_ index: Int) throws(OperatorError) -> Tensor {
    guard index < count, let datum = self[index] else { throw OperatorError("missing-input", "input \(index) is missing") }
    guard case .tensor(let tensor) = datum else { throw OperatorError("tensor-expected", "input \(index) must be a tensor") }
    return tensor
  }

  package func optionalTensor(_ index: Int) throws(OperatorError) -> Tensor? {
    guard index < count, self[index] != nil else { return nil }
    return try tensor(index)
  }
}
