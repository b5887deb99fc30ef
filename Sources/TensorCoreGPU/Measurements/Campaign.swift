/// How the published timings of a campaign were taken, by its names in the columns `source`, `lib` and `dtype`.
///
/// Facts of a benchmark, read from its published programs (NVIDIA aiconfigurator, `collector/*/collect_gemm*.py`): they change
/// what a row is compared with, never a prediction. One number among them, `unfilled`, is fitted to the timings.
struct Campaign: Sendable, Hashable {
  /// Copies of the operands used in turn, so that the L2 is not warm by accident.
  var operandSets = 1
  /// Timed by events around host calls instead of replayed as a graph.
  var isEager = false
  /// Every copy multiplies activations of its own; otherwise all copies read the same ones.
  var hasOwnActivations = false
  /// A layer of an engine whose other layers (hundreds of MB) run between two uses of its weights.
  var isInsideEngine = false
  /// Energy of a multiply-add against random operands: weights that nobody filled toggle fewer bits.
  var energyShare = 1.0

  init(source: String, library: String, format: String) {
    switch source {
    case "neusight", "deepbench": isEager = true
    case "aiconfigurator":
      operandSets = 6
      hasOwnActivations = library == "sglang"
      isInsideEngine = library == "trtllm" && Self.engineFormats.contains(format)
      if library == "vllm" { energyShare = Self.unfilled }
    default: break
    }
  }

  /// Bytes touched between two uses of a weight, from those of one product.
  func weightReuse(_ operands: Double) -> Double { isInsideEngine ? .infinity : Double(operandSets) * operands }

  /// Puts what differs from a product in use into the shape and the path that stand for it.
  func adapt(_ choice: inout GEMMPathChoice, on gpu: GPUDescription) {
    choice.path.instruction.energy *= energyShare
    // Activations that a prelude has quantised were written a moment ago.
    guard hasOwnActivations, choice.path.prelude == 0 else { return }
    let shape = choice.shape
    let bytes = OperandBytes(shape, choice.path)
    let m = Double(shape.m), n = Double(shape.n), k = Double(shape.k)
    let touched = Double(shape.batch) * (m * k * bytes.activation + n * k * bytes.weight) + shape.resultBytes
    let found = min(1, gpu.l2.capacity * gpu.l2.usableShare / (Double(operandSets) * max(touched, 1)))
    choice.shape.residency = GEMMShape.Residency(activation: found * found, weight: found * found, epilogue: 0, stored: 0)
  }

  /// Formats whose rows are layers of a TensorRT engine, by its layer profiler.
  private static let engineFormats: Set<String> = ["w8a8-int8", "w8a16", "w4a16"]
  /// Fitted, not read: the share at which this campaign and the ones with random weights agree on products of more than a
  /// millisecond, on A100 and on H100. It is a property of the benchmark's data, which no machine description can hold.
  private static let unfilled = 0.87
}
