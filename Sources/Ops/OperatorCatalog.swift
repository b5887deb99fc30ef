package import IR

/// Every operator, one line each: what the importer and the text format can read.
package enum OperatorCatalog {
  package static let all: [any Operator.Type] = [
    // Elementwise
    BinaryElementwise.self,
    Cast.self,
    CastLike.self,
    ClassifyNumber.self,
    Clip.self,
    Identity.self,
    LogicalNot.self,
    ParametricUnary.self,
    UnaryElementwise.self,
    VariadicElementwise.self,
    Where.self,
    // Linear
    Convolve.self,
    ConvolveTransposed.self,
    Gemm.self,
    MatrixMultiply.self,
    // Normalization
    BatchNormalization.self,
    GroupNormalization.self,
    LayerNormalization.self,
    LocalResponseNormalization.self,
    LpNormalization.self,
    MeanVarianceNormalization.self,
    RootMeanSquareNormalization.self,
    // Reduction
    ArgumentReduce.self,
    CumulativeSum.self,
    GlobalPool.self,
    MaxUnpool.self,
    Pool.self,
    Reduce.self,
    Softmax.self,
    TopK.self,
    // Recurrent
    RecurrentLayer.self,
    // Quantization
    Dequantize.self,
    DynamicQuantize.self,
    DynamicQuantizedLSTM.self,
    IntegerConvolve.self,
    IntegerMatrixMultiply.self,
    Quantize.self,
    QuantizedConvolve.self,
    QuantizedMatrixMultiply.self,
    // Shape
    ConstantOfShape.self,
    Expand.self,
    EyeLike.self,
    Flatten.self,
    NumberRange.self,
    Reshape.self,
    ShapeOf.self,
    SizeOf.self,
    Squeeze.self,
    Unsqueeze.self,
    // Movement
    CenterCropPad.self,
    Compress.self,
    Concatenate.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    NonZero.self,
    OneHot.self,
    Pad.self,
    PixelShuffle.self,
    Resize.self,
    ReverseSequence.self,
    ScatterElements.self,
    ScatterND.self,
    Slice.self,
    Split.self,
    Tile.self,
    Transpose.self,
    Triangle.self,
    Unique.self,
    // Sequence
    ConcatFromSequence.self,
    OptionalGetElement.self,
    OptionalHasElement.self,
    OptionalValue.self,
    RegexFullMatch.self,
    SequenceAt.self,
    SequenceConstruct.self,
    SequenceErase.self,
    SequenceInsert.self,
    SequenceLength.self,
    SequenceMap.self,
    SplitToSequence.self,
    StringConcat.self,
    StringNormalizer.self,
    StringSplit.self,
    TfIdfVectorizer.self,
    // ControlFlow
    If.self,
    Scan.self,
    While.self,
    // Random
    Bernoulli.self,
    Dropout.self,
    // Semantic
    FusedGroup.self,
    Gelu.self,
    Multinomial.self,
    RandomTensor.self,
    OpaqueOperator.self,
    RotaryEmbedding.self,
    ScaledDotProductAttention.self,
  ]

  /// By IR name.
  package static let byName: [String: any Operator.Type] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// By ONNX domain and type.
  package static let byONNXName: [ONNXName: any ONNXOperator.Type] = Dictionary(
    uniqueKeysWithValues: all.compactMap { $0 as? any ONNXOperator.Type }.flatMap { type in type.onnxNames.map { ($0, type) } })
}
