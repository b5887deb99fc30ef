/// Every pass and every pipeline by name, one line each.
package enum PassCatalog {
  package static let all: [GraphPass] =
    normalize + [sinkViews] + recognize + cleanUp
    + [recognizeExactGelu, recognizeAttentionCall, dropWeights, assignPrecision, assignSparsity, mergeProjections, fuseKernels]

  /// Exact rewritings that take out what exporters spell differently.
  package static let normalize: [GraphPass] = [
    foldConstants,
    pairOperands,
    removeIdentities,
    orderOperands,
    mergeCasts,
    spellEinsums,
    spellGathers,
    spellViews,
    sinkTranspositions,
    mergeViews,
    mergePadding,
    foldBatchNormalization,
  ]

  /// Patterns that one operator stands for, small ones first.
  package static let recognize: [GraphPass] = [
    recognizeHardSwish,
    recognizeSiLU,
    recognizeGelu,
    recognizeLSTMCell,
    recognizeGatedUnit,
    recognizeLayerNormalization,
    recognizeMeanVarianceNormalization,
    recognizeRMSNormalization,
    recognizeL2Normalization,
    recognizeGroupNormalization,
    recognizePixelShuffle,
    recognizeSoftmax,
    recognizeRotaryEmbedding,
    recognizeAttention,
    recognizeGroupedHeads,
    recognizeExpertProduct,
  ]

  package static let cleanUp: [GraphPass] = [mergeEqualNodes, removeDeadNodes]

  /// Makes graphs of different exporters alike.
  package static let canonicalize: [GraphPass] = normalize + [spellViews, sinkViews] + recognize + [foldConstants] + cleanUp

  /// What `predict` runs.
  package static let predict: [GraphPass] = canonicalize + [assignPrecision, assignSparsity, mergeProjections, fuseKernels]

  /// What `predict` runs when a framework calls one operation after the other: only what the framework itself does in one call
  /// is put together.
  package static let eager: [GraphPass] = [
    foldConstants,
    removeIdentities,
    sinkTranspositions,
    mergeViews,
    recognizeHardSwish,
    recognizeSiLU,
    recognizeExactGelu,
    recognizeLayerNormalization,
    recognizeAttentionCall,
    removeDeadNodes,
    assignPrecision,
    assignSparsity,
    fuseKernels,
  ]

  package static let pipelines: [(name: String, summary: String, passes: [GraphPass])] = [
    ("canonicalize", "Makes graphs of different exporters alike; values are kept.", canonicalize),
    ("predict", "Canonicalises, assumes the requested formats and fuses kernels.", predict),
    ("eager", "Keeps the operations a framework calls one by one; assumes the requested formats.", eager),
  ]

  package static func pass(named name: String) -> GraphPass? { all.first { $0.name == name } }
}
