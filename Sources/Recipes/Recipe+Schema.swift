package import Compression

extension Recipe {
  /// Names of metrics a goal may be set for.
  package static let metrics = ["top1", "agreement", "sqnr_db", "kl", "cosine", "mse", "latency_ms", "size_bytes", "size_ratio"]

  static let goal = OptionSchema(
    "goal", "What must hold; exit status 3 when it does not.",
    [
      OptionKey("type", .choice(EvaluationOptions.Goal.Kind.allCases.map(\.rawValue)), "Kind of limit.", isRequired: true),
      OptionKey("value", .number(-1e12...1e12), "The limit.", isRequired: true),
    ])

  /// The keys of a recipe. `stages` are checked one by one against their own schemas.
  package static let schema = OptionSchema(
    "recipe", "How to compress a model.",
    [
      OptionKey("version", .integer(1...1), "Version of this format: 1.", isRequired: true),
      OptionKey("model", .text, "A model file; the command line wins."),
      OptionKey("target", .text, "A machine whose rules and arithmetic are followed; the command line wins."),
      OptionKey(
        "machine", .list(.text),
        "Settings of the machine, each PATH=VALUE as for --set, such as hls.folding=conv1=64; the command line wins."),
      OptionKey(
        "calibration",
        .object(
          OptionSchema(
            "calibration", "Unlabelled inputs.",
            [
              OptionKey("data", .text, "A .npz or .npy file with one array per input."),
              OptionKey("samples", .integer(1...1_000_000), "How many of the first samples to use (default 256)."),
              OptionKey("batch", .integer(1...65536), "Samples run at once (default 32)."),
              OptionKey("seed", .integer(0...Int(Int32.max)), "Seed of random choices (default 0)."),
            ])), "Unlabelled inputs for ranges and reconstruction."),
      OptionKey(
        "evaluate",
        .object(
          OptionSchema(
            "evaluate", "Measures the compressed model against the original.",
            [
              OptionKey("data", .text, "A .npz file with the inputs and, for top1, labels (y, label, labels or test_y)."),
              OptionKey("samples", .integer(1...10_000_000), "How many of the first samples to use (default all)."),
              OptionKey(
                "metrics",
                .list(
                  .object(
                    OptionSchema(
                      "metric", "One metric.",
                      [
                        OptionKey("name", .choice(metrics), "Which metric.", isRequired: true),
                        OptionKey("goal", .object(goal), "What must hold."),
                        OptionKey("per_tensor", .flag, "Also list it per stored tensor (sqnr_db)."),
                        OptionKey("warn_below", .number(-200...200), "Warn about tensors below this many dB (sqnr_db)."),
                      ]))), "What is measured, with goals."),
            ])), "Accuracy and goals."),
      OptionKey(
        "stages", .list(.unchecked(.either([.text, .object(OptionSchema("stage", "One stage with its options.", stageKeys))]))),
        "What to do, in order.", isRequired: true),
    ])

  /// Every stage as a key of an entry of `stages`; the stage checks its own options when it is read.
  private static let stageKeys = StageCatalog.all.map { OptionKey($0.schema.name, .object($0.schema), $0.schema.summary) }
}
