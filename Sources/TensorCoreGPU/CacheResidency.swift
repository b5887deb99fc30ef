internal import Lowering

/// What of each tensor the L2 still holds when a kernel touches it, by reuse distance over the whole run.
///
/// A tensor of s bytes last touched d bytes of traffic ago is found as far as it fits: (held − d) / s, between 0 and 1, where
/// `held` is the share of the L2 whose content survives. Weights were last touched one run ago, inputs of the model never.
/// What a kernel writes reaches device memory unless its place is written again before the L2 has to give it up: by the kernel
/// after its last reader, as allocators that recycle memory do.
struct CacheResidency {
  /// One kernel's view.
  struct View {
    fileprivate(set) var reads: [Int: Double] = [:]
    /// The same of a cache that loses nothing of its capacity.
    fileprivate(set) var mostOfReads: [Int: Double] = [:]
    /// Share of the written bytes that never reach device memory.
    fileprivate(set) var stored = 0.0

    /// Share found of several tensors together, each weighed by its bytes; 0 for none.
    func share(of tensors: some Sequence<Kernel.Tensor>, atBest: Bool = false) -> Double {
      let found = atBest ? mostOfReads : reads
      var hot = 0.0
      var all = 0.0
      for tensor in tensors {
        all += Double(tensor.touchedBytes)
        hot += Double(tensor.touchedBytes) * (found[tensor.id] ?? 0)
      }
      return all > 0 ? hot / all : 0
    }
  }

  private(set) var views: [View]
  /// Tensors that every reader finds whole: between their producer and them nothing goes through device memory.
  private(set) var stayingOnChip: Set<Int> = []

  /// - `held`: bytes of the L2 whose content survives.
  /// - `capacity`: all it has.
  init(_ kernels: [Kernel], held: Double, capacity: Double = 0) {
    // Traffic up to the end of each kernel.
    var traffic: [Double] = []
    var lastReader: [Int: Int] = [:]
    for (index, kernel) in kernels.enumerated() {
      traffic.append((traffic.last ?? 0) + Double(kernel.bytesRead) + Double(kernel.bytesWritten))
      for tensor in kernel.reads { lastReader[tensor.id] = index }
    }
    let whole = traffic.last ?? 0
    func found(_ bytes: Int, after distance: Double, of held: Double) -> Double {
      min(1, max(0, (held - distance) / Double(max(1, bytes))))
    }

    var touched: [Int: Double] = [:]
    views = []
    for (index, kernel) in kernels.enumerated() {
      let now = index > 0 ? traffic[index - 1] : 0
      var view = View()
      for tensor in kernel.reads {
        let distance = touched[tensor.id].map { now - $0 } ?? (tensor.operand.isConstant ? whole : .infinity)
        view.reads[tensor.id] = found(tensor.touchedBytes, after: distance, of: held)
        view.mostOfReads[tensor.id] = found(tensor.touchedBytes, after: distance, of: max(held, capacity))
      }
      var stays = 0.0
      for tensor in kernel.writes {
        guard let reader = lastReader[tensor.id] else { continue }
        let next = min(reader + 1, kernels.count - 1)
        stays += Double(tensor.operand.bytes) * found(tensor.operand.bytes, after: traffic[next] - traffic[index], of: held)
      }
      view.stored = stays / Double(max(1, kernel.bytesWritten))
      views.append(view)
      for tensor in kernel.reads + kernel.writes { touched[tensor.id] = traffic[index] }
    }
    stayingOnChip = Set(kernels.flatMap { $0.writes.map(\.id) }.filter { lastReader[$0] != nil })
    for (view, kernel) in zip(views, kernels) {
      for tensor in kernel.reads where view.reads[tensor.id] ?? 0 < 1 { stayingOnChip.remove(tensor.id) }
    }
  }
}
