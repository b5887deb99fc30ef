internal import Basic
internal import IR
internal import Lowering
internal import Results

/// Time of fused kernels without a contraction: elementwise chains, reductions, movements and attention.
struct StreamingCosting {
  private let gpu: GPUDescription
  private let model: StreamingModel?
  private let attention: AttentionModel?
  /// A framework's kernels are those that were measured; engines have others where rows are short.
  private let launch: RunRequest.Launch

  init(_ gpu: GPUDescription, launch: RunRequest.Launch = .graph) {
    self.gpu = gpu
    self.launch = launch
    model = gpu.streaming.map { StreamingModel(gpu, $0) }
    if let software = gpu.streaming, let library = gpu.attention.first {
      attention = AttentionModel(gpu, software, library)
    } else {
      attention = nil
    }
  }

  /// The kernel around `computation`; bytes are those that cross the border of the whole group.
  ///
  /// - `hotShare`: share of the bytes read that the L2 holds.
  func estimate(
    _ computation: Computation, of kernel: Kernel, hotShare: Double
  ) throws(Failure) -> ContractionEstimate {
    let unread = kernel.steps.reduce(0) { sum, step in
      // Where the kernel already counts what it touches, nothing is left to take off.
      guard let first = step.inputs.first, kernel.reads.contains(where: { $0.id == first && $0.touchedBytes == $0.operand.bytes }) else {
        return sum
      }
      return sum + step.computation.unreadBytes
    }
    return try estimate(
      computation, bytesRead: Double(max(0, kernel.bytesRead - unread)), bytesWritten: Double(kernel.bytesWritten),
      hotBytes: Double(kernel.bytesRead) * hotShare, work: kernel.work)
  }

  /// A product whose rows choose among the weights of several experts.
  func estimate(routed contraction: Contraction, of kernel: Kernel) throws(Failure) -> ContractionEstimate {
    guard let software = gpu.streaming, let mixture = gpu.mixture,
      let estimate = MixtureModel(device: DeviceRates(gpu, software), software: mixture).estimate(contraction)
    else {
      throw Failure("\(gpu.name) does not describe mixture-of-experts kernels", fix: "add <mixture> to its target file")
    }
    let format = contraction.lhs.storage
    return wrap(
      estimate, bytes: Double(kernel.bytesRead + kernel.bytesWritten),
      arithmetic: Double(contraction.macs) * gpu.energyPerMultiply(format), format: format.rawValue)
  }

  /// One computation as a kernel of its own.
  func estimate(_ computation: Computation) throws(Failure) -> ContractionEstimate {
    let read = computation.inputs.reduce(0) { $0 + $1.bytes } - computation.unreadBytes
    let written = computation.outputs.reduce(0) { $0 + $1.bytes }
    return try estimate(
      computation, bytesRead: Double(read), bytesWritten: Double(written), hotBytes: Double(read),
      work: computation.work)
  }

  private func estimate(
    _ computation: Computation, bytesRead: Double, bytesWritten: Double, hotBytes: Double, work: Work
  ) throws(Failure) -> ContractionEstimate {
    guard let model else {
      throw Failure("\(gpu.name) does not describe streaming kernels", fix: "add <streaming> to its target file")
    }
    let format = computation.outputs.first?.storage.rawValue ?? ""
    if case .attention(let operands) = computation, let attention {
      let shape = AttentionShape(operands)
      // Values that are a part of the keys (latent attention) are read twice and come from memory once.
      let asked = max(bytesRead, Double(computation.inputs.reduce(0) { $0 + $1.bytes }))
      let found = min(1, (hotBytes + asked - bytesRead) / max(1, asked))
      guard let estimate = attention.estimate(shape, start: model.software.kernelLatency, found: found)
      else {
        throw Failure(
          "\(attention.library.name) has no attention kernel for head dimension \(max(shape.headDimension, shape.valueDimension)) in \(operands.query.storage.rawValue)",
          fix: "add a <tile> to its <prefill>")
      }
      let format = operands.query.storage
      return wrap(
        estimate, bytes: bytesRead + bytesWritten, arithmetic: shape.multiplyAdds * gpu.energyPerMultiply(format),
        format: format.rawValue)
    }
    if computation.isView { return nothing(format) }
    var streamed = StreamingWork(computation, model.software, bytesRead: bytesRead, bytesWritten: bytesWritten, work: work)
    if streamed.walk == .momentRows, launch == .graph, streamed.columns <= model.software.warpRowColumns { streamed.walk = .warpRows }
    streamed.hotBytes = min(hotBytes, bytesRead)
    return wrap(
      model.estimate(streamed, mode: .graph), bytes: bytesRead + bytesWritten,
      arithmetic: Double(work.flops) / 2 * gpu.energyPerCoreMultiply, format: format)
  }

  private func wrap(
    _ estimate: KernelEstimate, bytes: Double, arithmetic: Double, format: String
  ) -> ContractionEstimate {
    ContractionEstimate(
      seconds: estimate.seconds, floorSeconds: min(estimate.floorSeconds, estimate.seconds), bound: estimate.bound,
      reason: estimate.reason, choice: estimate.choice, format: format,
      bytes: ["dram": estimate.memoryBytes, "l2": max(bytes, estimate.memoryBytes)],
      energy: gpu.energy(memoryBytes: estimate.memoryBytes, arithmetic: arithmetic, seconds: estimate.seconds),
      figures: [:], notes: [])
  }

  /// A view is no kernel at all.
  private func nothing(_ format: String) -> ContractionEstimate {
    ContractionEstimate(
      seconds: 0, floorSeconds: 0, bound: .launch, reason: "a view moves nothing", choice: "no kernel", format: format,
      bytes: [:], energy: 0, figures: [:], notes: [])
  }
}

extension StreamingWork {
  /// How the kernel around `computation` walks over its data.
  init(_ computation: Computation, _ software: StreamingSoftware, bytesRead: Double, bytesWritten: Double, work: Work) {
    let outputs = computation.outputs.reduce(0) { $0 + $1.count }
    let inputs = computation.inputs.map(\.count).max() ?? 0
    var rows = 1
    var columns = max(outputs, inputs, 1)
    var walk = Walk.elements
    var moved = bytesRead + bytesWritten
    if case .reduction(let reduction) = computation, reduction.window == nil {
      (rows, columns) = (max(1, reduction.rows), max(1, reduction.columns))
      walk = Self.walk(reduction)
    }
    if case .movement(let movement) = computation {
      columns = max(outputs, 1)
      // A transposed tile leaves a part of its 32-byte sectors to another block at the edges.
      if movement.kind == .transpose { moved *= software.transposeWaste }
    }
    let elements = max(1, Double(rows) * Double(columns))
    let widest = (computation.inputs + computation.outputs).map(\.storage.bits).max() ?? 32
    let share = bytesRead / max(bytesRead + bytesWritten, 1)
    self.init(
      walk: walk, rows: rows, columns: columns, elementBytes: max(1, widest / 8), bytesRead: moved * share,
      bytesWritten: moved * (1 - share), simple: Self.accesses + Double(work.flops - work.specials) / elements,
      special: Double(work.specials) / elements)
  }

  /// Instructions that load and store an element.
  private static let accesses = 2.0

  private static func walk(_ reduction: Reduction) -> Walk {
    switch reduction.kind {
    case .softmax: .softmaxRows
    case .normalization: .momentRows
    case .sum, .mean, .maximum, .minimum, .product, .argument, .scan, .sort: .elements
    }
  }
}

extension Computation {
  /// Bytes of the first input that stay where they are: rows of a table nobody asks for, the rest of a slice.
  fileprivate var unreadBytes: Int {
    guard case .movement(let movement) = self, let source = movement.inputs.first else { return 0 }
    let wanted: Int
    switch movement.kind {
    case .gather: wanted = movement.elementsRead ?? movement.outputs.reduce(0) { $0 + $1.count }
    case .slice: wanted = movement.outputs.reduce(0) { $0 + $1.count }
    case .view, .copy, .transpose, .concatenate, .scatter, .pad, .resize, .expand, .cast: return 0
    }
    return wanted < source.count ? source.bytes - source.encoding.storedBytes(wanted, of: source.element) : 0
  }
}
