/// How the published timings of a campaign were taken, by its name in the column `source`.
///
/// Facts of benchmark programs, all of them here, each with the program it is read from: they change what a row is compared with,
/// never a prediction. One number among them, `unfilled`, is fitted to the timings. Rows of other sources are taken for kernels of a
/// replayed graph.
struct Campaign: Sendable, Hashable {
  /// What lies between two time stamps.
  enum Timing: Sendable, Hashable {
    /// A replayed graph, over the number of its kernels.
    case graph
    /// One kernel inside a model, by the profiler's time stamps.
    case profiler
    /// Events around one operation that the host calls on an idle GPU.
    case events
  }

  /// What the benchmark of one library did otherwise.
  struct Program: Sendable, Hashable {
    /// Every copy multiplies activations of its own; otherwise all copies read the same ones.
    var hasOwnActivations = false
    /// Formats whose rows are layers of an engine whose other layers (hundreds of MB) run between two uses of the weights.
    var engineFormats: Set<String> = []
    /// Energy of a multiply-add against random operands: weights that nobody filled toggle fewer bits.
    var energyShare = 1.0
  }

  var timing = Timing.graph
  /// Copies of the operands used in turn, so that the L2 is not warm by accident.
  var operandSets = 1
  private var programs: [String: Program] = [:]

  init(_ source: some StringProtocol) { self = Self.published[String(source)] ?? Campaign() }

  private init(timing: Timing = .graph, operandSets: Int = 1, programs: [String: Program] = [:]) {
    (self.timing, self.operandSets, self.programs) = (timing, operandSets, programs)
  }

  /// The benchmark of a library, without its version.
  func program(of library: String) -> Program { programs[library] ?? Program() }
}

extension Campaign {
  private static let published = [
    // NVIDIA aiconfigurator, `collector/*/collect_gemm*.py`: six copies in a replayed graph; sglang's gives each copy activations of
    // its own, vLLM's allocates weights and fills them with nothing, TensorRT-LLM's profiles these formats as layers of an engine.
    "aiconfigurator": Campaign(
      timing: .graph, operandSets: 6,
      programs: [
        "sglang": Program(hasOwnActivations: true), "vllm": Program(energyShare: unfilled),
        "trtllm": Program(engineFormats: ["w8a8-int8", "w8a16", "w4a16"]),
      ]),
    // NeuSight (ASPLOS 2025), its scripts for collecting operators: PyTorch in eager mode, events around one call.
    "neusight": Campaign(timing: .events),
    // Baidu DeepBench, `code/nvidia/*_bench.cu`: the host calls one operation after the other and takes the time around all.
    "deepbench": Campaign(timing: .events),
    // Vidur (MLSys 2024), `vidur/profiling`: kernel times of the CUDA profiler inside one layer of a model.
    "vidur": Campaign(timing: .profiler),
  ]

  /// Fitted, not read: the share at which this campaign and the ones with random weights agree on products of more than a
  /// millisecond, on A100 and on H100. It is a property of the benchmark's data, which no machine description can hold.
  private static let unfilled = 0.87

  /// Versions of libraries, by the column `lib`, whose attention benchmark allocated a cache for keys only, so that values are read
  /// from the same addresses (aiconfigurator, its attention collector for that version).
  static let aliasedCaches: Set<String> = ["trtllm-1.0.0"]

  /// Whether board power holds down single layers of experts: aiconfigurator's `collect_moe.py`, of which every published row is,
  /// runs a layer one to six times on weights nobody filled, which is over before power is felt.
  static let mixturesFeelPower = false
}

/// Models whose layers tables hold and that differ from the others in what no column says.
enum MeasuredModel {
  /// True of phi-2, by the column `note` of Vidur's rows: its `config.json` (PhiForCausalLM) has attention and feed-forward side by
  /// side, so two additions to the residual, and layer norms where the other models have RMS norms.
  static func isPhi(note: some StringProtocol) -> Bool { note == "phi-2" }

  /// True of the expert layers of Nemotron 3, which have a squared ReLU and no gate (`mlp_hidden_act` relu2 of its `config.json`).
  ///
  /// aiconfigurator's rows do not name the model: it is known by widths and choices that no other model of the table has, 22 choices of
  /// width 5120 and hidden layers of 2688. A column `gated` (1 or 0) goes before.
  static func isUngated(hidden: Int, inner: Int, choices: Int) -> Bool { (choices == 22 && inner == 5120) || hidden == 2688 }
}
