package import Hardware
package import IR

/// A tiled neural accelerator: array, vector engine, memories and how they are used, all from its target file.
package struct NPUDescription: Sendable {
  /// Cycles one wavefront takes for a pair of operand formats.
  package struct Format: Hashable, Sendable {
    package var activations: ElementType
    package var weights: ElementType
    /// Structured sparsity of the weights this rate needs, such as 2 of 4; nil for dense.
    package var sparsity: Encoding.Sparsity?
    package var cyclesPerStep: Double
  }

  /// Which memory plays which part; indices into `memories`.
  package struct Placement: Hashable, Sendable {
    /// Beside the array: tiles, and feature maps when they stay on chip.
    package var near: Int
    /// Where feature maps go that do not fit; nil when there is no such memory.
    package var far: Int?
    /// Where weights are at rest.
    package var weights: Int
    /// Inputs and outputs of the whole network.
    package var graph: Int
  }

  /// What becomes of weights on their way to the array.
  package enum WeightPolicy: String, Hashable, Sendable, CaseIterable {
    /// Tiles of weights go straight to the array's own buffers.
    case stream
    /// Copied into the near memory first when reading them again would cost more.
    case stage
    /// Kept in the near memory from run to run as far as they fit; the rest is streamed in every run.
    case resident
  }

  /// How often an array reads its inputs from the near memory.
  package enum InputReads: String, Hashable, Sendable, CaseIterable {
    /// Once: line buffers keep what several output channels need.
    case once
    /// Once for every slice of output channels.
    case perPass = "per-pass"
  }

  package struct Policy: Hashable, Sendable {
    package var keepsFeatureMapsNear: Bool
    package var weights: WeightPolicy
    package var inputReads: InputReads
    package var layout: FeatureMapLayout
    /// Layers may run depth first, stripe by stripe, where the feature map between them does not fit.
    package var cascades: Bool
    package var isDoubleBuffered: Bool
    package var fusesResidual: Bool
    /// Sums over part of the input channels can wait in the near memory; otherwise all channels of a tile are there at once.
    package var keepsPartialSums: Bool
    /// The output stage of a layer must end before the next layer's first product.
    package var serialisesOutput: Bool
  }

  /// The CPU that takes over what the accelerator cannot do.
  package struct Host: Hashable, Sendable {
    package var macsPerSecond: Double
    package var elementsPerSecond: Double
    /// Bytes per second between the host and the accelerator's memory.
    package var bytesPerSecond: Double
    package var callSeconds: Double
  }

  package var name: String
  package var clockHertz: Double
  /// Accelerators on the device that work on different inputs side by side.
  package var instances: Int
  /// Cores that share one layer by output channels.
  package var cores: Int
  package var precision: ElementType
  package var array: MACArray
  package var formats: [Format]
  package var vector: VectorEngine
  package var memories: [MemoryLevel]
  package var placement: Placement
  package var policy: Policy
  /// Buffers of their own for tiles; nil when tiles live in what feature maps leave of the near memory.
  package var tileBuffers: TileBuffers?
  package var weightCode: WeightCode
  /// Nil when a machine has its program at hand, or none.
  package var instructions: InstructionStream?
  package var layerCycles: Int
  package var runSeconds: Double
  package var host: Host?
  /// Joules of one multiply-accumulate with its registers, and of one operation of the vector engine.
  package var macEnergy: Double?
  package var vectorEnergy: Double?
  package var numbers: [ReadNumber]

  package var near: MemoryLevel { memories[placement.near] }
  package var far: MemoryLevel? { placement.far.map { memories[$0] } }

  /// Dense multiply-accumulates per cycle over all cores of one instance.
  package var macsPerCycle: Int { array.cells * cores }

  /// The rate for a pair of operand formats; nil when the array cannot multiply them.
  package func format(activations: ElementType, weights: ElementType, sparsity: Encoding.Sparsity) -> Format? {
    let matching = formats.filter { $0.activations == activations.signed && $0.weights == weights.signed }
    if sparsity != .dense, let sparse = matching.first(where: { $0.sparsity == sparsity }) { return sparse }
    return matching.first { $0.sparsity == nil }
  }

  /// What a run takes before its first kernel, in whole cycles.
  package var runCycles: Int { Int(runSeconds * clockHertz) }

  package func seconds(_ cycles: Int) -> Double { Double(cycles) / clockHertz }
}

extension ElementType {
  /// Arrays take signed and unsigned integers of a width alike.
  var signed: ElementType {
    switch self {
    case .uint8: .int8
    case .uint16: .int16
    case .uint4: .int4
    case .uint2: .int2
    default: self
    }
  }
}
