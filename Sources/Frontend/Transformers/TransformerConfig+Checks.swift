internal import Basic

extension TransformerConfig {
  static func routing(_ type: String, _ keys: ConfigKeys) throws(Failure) -> Routing {
    if type == "deepseek_v2", let groups = try keys.optionalExtent("n_group"), groups > 1, try keys.optionalText("topk_method") != "greedy"
    {
      throw Failure(
        "topk_method: experts chosen by groups are not laid out", at: SourceLocation(file: keys.file), fix: "export the model to ONNX")
    }
    let inner = try keys.extent("moe_intermediate_size", "intermediate_size")
    var shared = try keys.optionalExtent("shared_expert_intermediate_size")
    if let count = try keys.optionalExtent("n_shared_experts") { shared = count * inner }
    return Routing(
      count: try keys.extent("num_local_experts", "num_experts", "n_routed_experts"), perToken: try keys.extent("num_experts_per_tok"),
      inner: inner, normalisesShares: try keys.flag("norm_topk_prob") ?? (type == "mixtral"), sharedInner: shared,
      gatesShared: type == "qwen2_moe", firstSparse: try keys.layer("first_k_dense_replace") ?? 0,
      sparseStep: try keys.optionalExtent("decoder_sparse_step") ?? 1, dense: try keys.layerList("mlp_only_layers") ?? [])
  }

  func check(file: String) throws(Failure) {
    func refuse(_ message: String) -> Failure { Failure(message, at: SourceLocation(file: file)) }
    guard max(layers, decoderLayers) <= Self.mostLayers else { throw refuse("num_hidden_layers \(layers) is above \(Self.mostLayers)") }
    if case .listed(let kinds) = windowedLayers, kinds.count != layers {
      throw refuse("layer_types names \(kinds.count) of \(layers) layers")
    }
    guard heads % keyHeads == 0 else { throw refuse("\(heads) query heads cannot share \(keyHeads) key heads") }
    guard experts.map({ $0.count <= 256 }) ?? true else { throw refuse("num_experts is above 256") }
    let depth = latent.map { max($0.plain + $0.rotated, $0.value, $0.keyRank + $0.rotated) } ?? headDimension
    guard heads * depth <= Self.largestWidth else { throw refuse("\(heads) heads of \(depth) features are above \(Self.largestWidth)") }
    if let routing {
      guard routing.sharedInner ?? 0 <= Self.largestWidth else {
        throw refuse("n_shared_experts: \(routing.sharedInner ?? 0) features are above \(Self.largestWidth)")
      }
      guard routing.count <= Self.mostExperts else { throw refuse("\(routing.count) experts are above \(Self.mostExperts)") }
      guard routing.perToken <= routing.count else { throw refuse("num_experts_per_tok \(routing.perToken) of \(routing.count) experts") }
    }
    guard family != .vit || image.size % image.patch == 0 else {
      throw refuse("patch_size \(image.patch) does not divide image_size \(image.size)")
    }
  }
}
