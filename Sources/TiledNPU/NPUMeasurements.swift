package import Lowering

/// The tables of measurements this family can be checked against.
package enum NPUMeasurements {
  package static let schemas: [any MeasurementSchema] = [LayerTable()]
}
