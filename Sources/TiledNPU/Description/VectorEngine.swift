/// What computes everything but contractions, and what scales and activates their results: cycles per element by function.
package struct VectorEngine: Hashable, Sendable {
  /// Where an element is worked on.
  package enum Stage: String, Hashable, Sendable, CaseIterable {
    /// Results of the array on their way out.
    case output
    /// Operations of their own on whole tensors.
    case pointwise
    /// Softmax, norms and sums of whole rows.
    case reduction
    /// Copies, transposes and the like.
    case movement
  }

  /// One row of the table; the first that matches counts.
  package struct Rate: Hashable, Sendable {
    package var stage: Stage
    /// Names of functions; empty for all.
    package var functions: Set<String>
    /// Number of tensor operands; nil for any.
    package var operands: Int?
    /// Bits of the inputs and of the outputs; nil for any.
    package var inputBits: Int?
    package var outputBits: Int?
    package var cyclesPerElement: Double

    package init(
      stage: Stage, functions: Set<String> = [], operands: Int? = nil, inputBits: Int? = nil, outputBits: Int? = nil,
      cyclesPerElement: Double
    ) {
      self.stage = stage
      self.functions = functions
      self.operands = operands
      self.inputBits = inputBits
      self.outputBits = outputBits
      self.cyclesPerElement = cyclesPerElement
    }
  }

  /// One elementary operation of a function that the engine carries out as a program.
  package struct ProgramStep: Hashable, Sendable {
    package enum Form: String, Hashable, Sendable, CaseIterable {
      /// Maximum of every row.
      case rowMaximum = "row-maximum"
      /// Sum of every row.
      case rowSum = "row-sum"
      /// A function of every element.
      case element
      /// A function of one number per row.
      case row
    }

    package var name: String
    package var form: Form
    package var function: String
    package var operands: Int
    package var inputBits: Int
    package var outputBits: Int
    /// Bytes of a lookup table or constant fetched from the weights' memory.
    package var tableBytes: Int
    package var repeats: Int
  }

  package var rates: [Rate]
  package var activations: [Rate]
  /// Programs by the function they compute (`softmax`).
  package var programs: [String: [ProgramStep]]

  package init(rates: [Rate], activations: [Rate] = [], programs: [String: [ProgramStep]] = [:]) {
    self.rates = rates
    self.activations = activations
    self.programs = programs
  }

  /// Cycles per element of `function`, nil when the engine has no such function.
  package func cycles(
    _ stage: Stage, _ function: String, operands: Int = 1, inputBits: Int = 8, outputBits: Int = 8
  ) -> Double? {
    rates.first {
      $0.stage == stage && ($0.functions.isEmpty || $0.functions.contains(function))
        && ($0.operands ?? operands) == operands && ($0.inputBits ?? inputBits) == inputBits
        && ($0.outputBits ?? outputBits) == outputBits
    }?.cyclesPerElement
  }

  /// Cycles per element of an activation applied to results on their way out; nil when it cannot be applied there.
  package func activationCycles(_ function: String) -> Double? {
    activations.first { $0.functions.isEmpty || $0.functions.contains(function) }?.cyclesPerElement
  }
}
