/// Every pass and every pipeline by name, one line each.
package enum PassCatalog {
  package static let all: [GraphPass] = canonicalize + [recognizeExactGelu, dropWeights, assignPrecision, assignSparsity, fuseKernels]

  /// Exact rewritings that make graphs of different exporters alike.
  package static let canonicalize: [GraphPass] = [
    foldConstants,
    removeIdentities,
    mergeViews,
    foldBatchNormalization,
    recognizeHardSwish,
    recognizeSiLU,
    recognizeGelu,
    recognizeLayerNormalization,
    recognizeRMSNormalization,
    recognizeAttention,
    removeDeadNodes,
  ]

  /// What `predict` runs.
  package static let predict: [GraphPass] = canonicalize + [assignPrecision, assignSparsity, fuseKernels]

  /// What `predict` runs when a framework calls one operation after the other: only what the framework itself does in one call
  /// is put together.
  package static let eager: [GraphPass] = [
    foldConstants,
    removeIdentities,
    mergeViews,
    recognizeHardSwish,
    recognizeSiLU,
    recognizeExactGelu,
    recognizeLayerNormalization,
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
