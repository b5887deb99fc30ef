package import IR

/// A fused group as a machine sees it: computations and operands, no operators.
package struct Kernel: Sendable {
  /// One computation of the group with the values it reads and writes.
  package struct Step: Sendable {
    package var computation: Computation
    /// Spelling for the picture: `conv 3×3/2`, `relu`.
    package var label: String
    /// Numbers of the values in `tensors`; -1 for an absent optional input.
    package var inputs: [Int]
    package var outputs: [Int]

    package init(computation: Computation, label: String, inputs: [Int], outputs: [Int]) {
      self.computation = computation
      self.label = label
      self.inputs = inputs
      self.outputs = outputs
    }
  }

  /// A value that crosses the kernel's border.
  package struct Tensor: Sendable, Hashable {
    /// Stable number of the value within the program.
    package var id: Int
    package var name: String
    package var type: TensorType
    package var operand: Operand
    /// The bytes of a constant, lent lazily; nil for activations and for graphs without weights.
    package var data: TensorData?
    /// Bytes the kernel really reads: fewer than the tensor has when it gathers rows of a table.
    package var touchedBytes: Int

    package init(
      id: Int, name: String, type: TensorType, operand: Operand, data: TensorData? = nil, touchedBytes: Int? = nil
    ) {
      self.id = id
      self.name = name
      self.type = type
      self.operand = operand
      self.data = data
      self.touchedBytes = touchedBytes ?? operand.bytes
    }
  }

  package var id: Int
  package var name: String
  package var origin: [String]
  /// In execution order; never empty.
  package var steps: [Step]
  /// Index of the step that gives the kernel its shape: the contraction, attention, reduction or loop, else the first.
  package var anchor: Int
  /// Values read from outside, activations and constants alike.
  package var reads: [Tensor]
  /// Values that somebody outside reads.
  package var writes: [Tensor]
  /// Kernels that must come first, ascending.
  package var dependencies: [Int]
  /// The fusion rule that made it, empty for a single node.
  package var rule: String

  package init(
    id: Int, name: String, origin: [String], steps: [Step], anchor: Int, reads: [Tensor], writes: [Tensor],
    dependencies: [Int], rule: String = ""
  ) {
    self.id = id
    self.name = name
    self.origin = origin
    self.steps = steps
    self.anchor = anchor
    self.reads = reads
    self.writes = writes
    self.dependencies = dependencies
    self.rule = rule
  }

  package var anchorComputation: Computation { steps[anchor].computation }
  package var work: Work { steps.reduce(Work()) { $0 + $1.computation.work } }
  /// The steps after the anchor, which an epilogue carries out.
  package var epilogue: ArraySlice<Step> { steps[(anchor + 1)...] }

  /// Bytes read from outside, each tensor once, under its encoding; of a gathered table only the rows.
  package var bytesRead: Int { reads.reduce(0) { $0 + $1.touchedBytes } }
  package var weightBytes: Int { reads.reduce(0) { $0 + ($1.operand.isConstant ? $1.operand.bytes : 0) } }
  package var bytesWritten: Int { writes.reduce(0) { $0 + $1.operand.bytes } }
}
