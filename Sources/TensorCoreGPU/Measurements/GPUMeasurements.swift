package import Lowering

/// The tables of measurements GPU models are checked against.
package enum GPUMeasurements {
  package static let schemas: [any MeasurementSchema] = [
    GEMMMeasurements(),
    ConvolutionMeasurements(),
    SparsityMeasurements(),
    AttentionMeasurements(),
    StreamingMeasurements(),
    MixtureMeasurements(),
    CollectiveMeasurements(),
  ]
}
