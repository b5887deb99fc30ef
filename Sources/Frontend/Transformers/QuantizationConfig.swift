internal import Basic
internal import IR

/// The `quantization_config` of a published checkpoint: how its weights are stored, as `--precision` spells it.
///
/// Embeddings and the head stay in 16 bits, as all these tools leave them.
struct QuantizationConfig: Sendable {
  /// Nil when the method, or its bits, are none that a prediction knows.
  var precision: String?
  /// For people: `awq, 4 bits, groups of 128`.
  var description: String

  /// Nil when the file has none.
  init?(_ config: ConfigKeys) throws(Failure) {
    guard let keys = try config.section("quantization_config") else { return nil }
    let method = try keys.optionalText("quant_method") ?? "without quant_method"
    var words = [method]
    switch method {
    case "awq", "gptq":
      let bits = try keys.optionalExtent("bits", "w_bit") ?? 4
      // −1: one group per channel.
      let group = try keys.group("group_size", "q_group_size") ?? 128
      words += ["\(bits) bits", group < 0 ? "one scale per channel" : "groups of \(group)"]
      precision = Self.weightOnly(bits: bits, group: group < 0 ? nil : group)
    case "bitsandbytes":
      if try keys.flag("load_in_4bit", "_load_in_4bit") ?? false {
        words += ["4 bits, blocks of 64"]
        precision = Self.weightOnly(bits: 4, group: 64)
      } else {
        words += ["8 bits, rows scaled at run time"]
        precision = "int8-dynamic"
      }
    case "fp8":
      let isStatic = try keys.optionalText("activation_scheme") == "static"
      words += [isStatic ? "scales fixed" : "scales of activations found at run time"]
      if keys.isPresent("weight_block_size") { words += ["block scales counted as one per tensor"] }
      precision = isStatic ? "fp8-static" : "fp8"
    case "compressed-tensors":
      let (name, text) = try Self.compressedTensors(keys)
      precision = name
      words += text
    default: precision = nil
    }
    description = words.joined(separator: ", ")
  }

  private static func weightOnly(bits: Int, group: Int?) -> String? {
    guard bits == 4 || bits == 8 else { return nil }
    return "w\(bits)a16" + (group.map { "-g\($0)" } ?? "-channel")
  }

  /// `config_groups`: what the first group says of weights and of what they are multiplied by; layers of further groups are few.
  private static func compressedTensors(_ keys: ConfigKeys) throws(Failure) -> (String?, [String]) {
    guard let groups = try keys.section("config_groups"), let first = groups.object.keys.sorted().first,
      let group = try groups.section(first), let weights = try group.section("weights")
    else { return (nil, ["without config_groups"]) }
    let bits = try weights.optionalExtent("num_bits") ?? 8
    let kind = try weights.optionalText("type") ?? "int"
    let size = try weights.group("group_size").flatMap { $0 > 0 ? $0 : nil }
    var words = ["\(kind) weights of \(bits) bits" + (size.map { " in groups of \($0)" } ?? "")]
    guard let activations = try group.section("input_activations") else {
      return (kind == "int" ? weightOnly(bits: bits, group: size) : nil, words)
    }
    let activationBits = try activations.optionalExtent("num_bits") ?? 8
    let isDynamic = try activations.isDynamic
    words.append("activations of \(activationBits) bits\(isDynamic ? ", scaled at run time" : "")")
    switch (kind, bits, activationBits) {
    case ("int", 8, 8): return (isDynamic ? "int8-dynamic" : "int8", words)
    case ("int", 4, 8): return ("w4a8", words)
    case ("float", 8, 8): return (isDynamic ? "fp8" : "fp8-static", words)
    case ("float", 4, 4): return ("nvfp4", words)
    default: return (nil, words)
    }
  }
}

extension ConfigKeys {
  /// True or "local": scales are found at run time.
  fileprivate var isDynamic: Bool {
    get throws(Failure) { object["dynamic"] is String ? true : try flag("dynamic") ?? false }
  }
}
