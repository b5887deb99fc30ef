package import IR

/// Every operator, one line each: what the importer and the text format can read.
package enum OperatorCatalog {
  private static let entries = list {
    // Elementwise
    BinaryElementwise.self
    Cast.self
    CastLike.self
    ClassifyNumber.self
    Clip.self
    Identity.self
    LogicalNot.self
    ParametricUnary.self
    UnaryElementwise.self
    VariadicElementwise.self
    Where.self
    // Linear
    ColumnsToImage.self
    Convolve.self
    ConvolveTransposed.self
    DeformableConvolve.self
    Determinant.self
    Einsum.self
    FusedConvolve.self
    FusedGemm.self
    FusedMatrixMultiply.self
    Gemm.self
    MatrixInverse.self
    MatrixMultiply.self
    ProjectionGroup.self
    // Normalization
    BatchNormalization.self
    EmbeddingNormalization.self
    GroupNormalization.self
    ImageGroupNormalization.self
    LayerNormalization.self
    LocalResponseNormalization.self
    LpNormalization.self
    MeanVarianceNormalization.self
    RootMeanSquareNormalization.self
    SkipNormalization.self
    // Reduction
    ArgumentReduce.self
    BiasedSoftmax.self
    CumulativeSum.self
    GlobalPool.self
    MaxUnpool.self
    Pool.self
    Reduce.self
    Softmax.self
    TopK.self
    // Recurrent
    RecurrentLayer.self
    LongShortTermCell.self
    // Quantization
    BlockQuantizedGather.self
    BlockQuantizedMatrixMultiply.self
    CodebookMatrixMultiply.self
    Dequantize.self
    DynamicQuantize.self
    DynamicQuantizedLSTM.self
    DynamicQuantizedMatrixMultiply.self
    IntegerConvolve.self
    IntegerMatrixMultiply.self
    OrderedAttention.self
    OrderedGelu.self
    OrderedLayerNormalization.self
    OrderedMatrixMultiply.self
    Quantize.self
    QuantizedAttention.self
    QuantizedConcatenate.self
    QuantizedConvolve.self
    QuantizedElementwise.self
    QuantizedGemm.self
    QuantizedMatrixMultiply.self
    QuantizedPool.self
    QuantizedSoftmax.self
    QuantizedWhere.self
    // Shape
    ConstantOfShape.self
    Expand.self
    EyeLike.self
    Flatten.self
    InsertAxis.self
    NumberRange.self
    Reshape.self
    ShapeOf.self
    SizeOf.self
    Squeeze.self
    Unsqueeze.self
    // Movement
    CenterCropPad.self
    Compress.self
    Concatenate.self
    Gather.self
    GatherElements.self
    GatherND.self
    NonZero.self
    OneHot.self
    Pad.self
    PixelShuffle.self
    Resize.self
    ReverseSequence.self
    ScatterElements.self
    ScatterND.self
    Slice.self
    Split.self
    Tile.self
    Transpose.self
    Triangle.self
    Unique.self
    // ControlFlow
    If.self
    Scan.self
    While.self
    // Sequence
    BlockRepeatedRuns.self
    ConcatFromSequence.self
    OptionalGetElement.self
    OptionalHasElement.self
    OptionalValue.self
    RegexFullMatch.self
    SequenceAt.self
    SequenceConstruct.self
    SequenceErase.self
    SequenceInsert.self
    SequenceLength.self
    SequenceMap.self
    SplitToSequence.self
    StringConcat.self
    StringNormalizer.self
    StringSplit.self
    TfIdfVectorizer.self
    // Random
    Bernoulli.self
    Dropout.self
    Multinomial.self
    RandomTensor.self
    // Semantic
    BiasSplitGelu.self
    DecoderAttention.self
    ExpertMixture.self
    ExpertProduct.self
    FusedGroup.self
    GatedUnit.self
    Gelu.self
    GroupQueryAttention.self
    MultiHeadAttention.self
    OpaqueOperator.self
    PackedAttention.self
    PackedDecoderAttention.self
    RotaryEmbedding.self
    ScaledDotProductAttention.self
    UnpaddedAttention.self
    UnpaddedPackedAttention.self
    // Training
    CrossEntropyLoss.self
    GradientOfGraph.self
    OptimizerStep.self
    // Classical
    Binarize.self
    EncodeLabels.self
    ExtractFeatures.self
    TreeEnsemble.self
    // Vision
    AffineGrid.self
    DecodeImage.self
    GridSample.self
    NonMaxSuppression.self
    RegionAlign.self
    RegionMaxPool.self
    // Signal
    DiscreteFourierTransform.self
    MelWeightMatrix.self
    ShortTimeFourierTransform.self
    SignalWindow.self
  }

  /// In the order of the list.
  package static let all: [any Operator.Type] = entries.map(\.type)

  /// By IR name.
  package static let byName: [String: any Operator.Type] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// By ONNX domain and type.
  package static let byONNXName: [ONNXName: any ONNXOperator.Type] = {
    var result: [ONNXName: any ONNXOperator.Type] = [:]
    result.reserveCapacity(2 * entries.count)
    for entry in entries {
      guard let type = entry.onnx else { continue }
      for name in type.onnxNames { result[name] = type }
    }
    return result
  }()

  /// An operator and, when it has one, its ONNX mapping, told apart by the compiler: asking the run-time system instead searches
  /// every conformance of the program once per operator, which takes longer than a small prediction.
  struct Entry: Sendable {
    var type: any Operator.Type
    var onnx: (any ONNXOperator.Type)?
  }

  @resultBuilder enum List {
    static func buildExpression<T: Operator>(_ type: T.Type) -> Entry { Entry(type: type) }
    static func buildExpression<T: ONNXOperator>(_ type: T.Type) -> Entry { Entry(type: type, onnx: type) }
    static func buildBlock(_ entries: Entry...) -> [Entry] { entries }
  }

  private static func list(@List _ entries: () -> [Entry]) -> [Entry] { entries() }
}
