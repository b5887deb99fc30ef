/// A tensor with its elements at hand, for evaluation.
///
/// Formats without a native Swift type are kept in the next wider one and rounded to the format when stored:
/// f16, bf16, f8 and f4 as `Float`; int4/int2 as `Int8`; int16, uint16 as `Int32`; uint32 and uint64 (as a bit
/// pattern) as `Int64`.
package struct Tensor: Sendable {
  package enum Elements: Sendable, Hashable {
    case float32([Float])
    case float64([Double])
    case int8([Int8])
    case uint8([UInt8])
    case int32([Int32])
    case int64([Int64])
    case bool([Bool])
    case string([String])
  }

  package var element: ElementType
  package var shape: [Int]
  package var elements: Elements

  package init(_ element: ElementType, _ shape: [Int], _ elements: Elements) {
    self.element = element
    self.shape = shape
    self.elements = elements
  }

  package init(_ shape: [Int], floats: [Float]) { self.init(.float32, shape, .float32(floats)) }
  package init(_ shape: [Int], integers: [Int64]) { self.init(.int64, shape, .int64(integers)) }

  package var count: Int { shape.reduce(1, *) }
  package var rank: Int { shape.count }
  package var type: TensorType { TensorType(element, shape) }
}

/// A value during evaluation.
package indirect enum Datum: Sendable {
  case tensor(Tensor)
  case sequence([Datum])
  case optional(Datum?)

  package var tensor: Tensor? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }
}

/// What an operator may ask for while it is evaluated.
package struct EvaluationContext: Sendable {
  package var outputCount: Int
  /// Runs region `i` on inputs (captures included), for If, Loop and Scan.
  package var runRegion: (@Sendable (Int, [Datum?]) throws(OperatorError) -> [Datum])?
  /// Seed for random operators.
  package var seed: UInt64
  /// Fast loops to use where they fit; nil in reference evaluation.
  package var kernels: (any ComputeKernels)?

  package init(
    outputCount: Int = 1, seed: UInt64 = 0,
    runRegion: (@Sendable (Int, [Datum?]) throws(OperatorError) -> [Datum])? = nil
  ) {
    self.outputCount = outputCount
    self.seed = seed
    self.runRegion = runRegion
  }
}
