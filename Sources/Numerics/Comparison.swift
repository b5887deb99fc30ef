package import IR
internal import Foundation

/// How far a tensor is from the expected one.
package struct Comparison: Sendable {
  /// Largest |a − b| / max(|b|, mean |b|) over finite elements.
  package var relativeError: Double
  package var absoluteError: Double
  /// Signal to quantisation noise, 10·log10(Σb² / Σ(a − b)²) in dB; infinite for equal tensors.
  package var signalToNoise: Double

  package init(_ actual: Tensor, _ expected: Tensor) throws(OperatorError) {
    let a = try actual.doubles()
    let b = try expected.doubles()
    guard actual.shape == expected.shape, a.count == b.count else {
      throw OperatorError("shapes-match", "shape \(actual.shape) instead of \(expected.shape)")
    }
    let mean = b.isEmpty ? 0 : b.reduce(0) { $0 + ($1.isFinite ? $1.magnitude : 0) } / Double(b.count)
    var (worst, relative, signal, noise) = (0.0, 0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) where x != y && !(x.isNaN && y.isNaN) {
      let difference = x.isFinite && y.isFinite ? (x - y).magnitude : .infinity
      worst = max(worst, difference)
      relative = max(relative, difference / max(y.magnitude, mean, .leastNonzeroMagnitude))
      noise += difference * difference
    }
    for y in b where y.isFinite { signal += y * y }
    absoluteError = worst
    relativeError = relative
    signalToNoise = noise == 0 ? .infinity : 10 * log10(signal / noise)
  }
}

/// Why a result is not the expected one; nil when it is.
///
/// Elementwise |a − b| ≤ absolute + relative·|b|, as NumPy's `assert_allclose`; NaN equals NaN; strings and shapes are equal.
package func mismatch(_ actual: Datum, _ expected: Datum, relative: Double, absolute: Double) -> String? {
  switch (actual, expected) {
  case (.tensor(let a), .tensor(let b)): return mismatch(a, b, relative: relative, absolute: absolute)
  case (.sequence(let a), .sequence(let b)):
    guard a.count == b.count else { return "\(a.count) elements in the sequence instead of \(b.count)" }
    for (index, pair) in zip(a, b).enumerated() {
      if let found = mismatch(pair.0, pair.1, relative: relative, absolute: absolute) {
        return "element \(index): \(found)"
      }
    }
    return nil
  case (.optional(nil), .optional(nil)): return nil
  case (.optional(let a?), .optional(let b?)): return mismatch(a, b, relative: relative, absolute: absolute)
  case (.optional(let a?), let b): return mismatch(a, b, relative: relative, absolute: absolute)
  case (let a, .optional(let b?)): return mismatch(a, b, relative: relative, absolute: absolute)
  default: return "another kind of value"
  }
}

private func mismatch(_ a: Tensor, _ b: Tensor, relative: Double, absolute: Double) -> String? {
  guard a.element == b.element else { return "element type \(a.element.rawValue) instead of \(b.element.rawValue)" }
  guard a.shape == b.shape else { return "shape \(a.shape) instead of \(b.shape)" }
  if case .string(let x) = a.elements, case .string(let y) = b.elements { return x == y ? nil : "strings differ" }
  guard let x = try? a.doubles(), let y = try? b.doubles(), x.count == y.count else {
    return "elements cannot be compared"
  }
  for index in x.indices where !(x[index].isNaN && y[index].isNaN) && x[index] != y[index] {
    guard (x[index] - y[index]).magnitude <= absolute + relative * y[index].magnitude else {
      return "element \(index) is \(x[index]) instead of \(y[index])"
    }
  }
  return nil
}
