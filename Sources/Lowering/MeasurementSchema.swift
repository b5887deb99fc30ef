package import Basic
package import Hardware
internal import IR

/// One row of a table of measurements, by column name.
package struct MeasurementRow: Sendable {
  package let line: Int
  private let columns: [String: Int]
  private let cells: [Substring]

  package init(line: Int, columns: [String: Int], cells: [Substring]) {
    self.line = line
    self.columns = columns
    self.cells = cells
  }

  /// Empty when the table has no such column.
  package subscript(_ column: String) -> Substring { columns[column].map { cells[$0] } ?? "" }

  package func integer(_ column: String) -> Int? { Int(self[column]) ?? number(column).flatMap { Int(exactly: $0) } }

  /// A finite number.
  package func number(_ column: String) -> Double? { Double(self[column]).flatMap { $0.isFinite ? $0 : nil } }

  /// A finite number above zero, as a time is.
  package func positive(_ column: String) -> Double? { number(column).flatMap { $0 > 0 ? $0 : nil } }

  /// A finite number from zero up, as a count is.
  package func count(_ column: String) -> Double? { number(column).flatMap { $0 >= 0 ? $0 : nil } }

  /// A whole number from 1 to `limit`, as an extent of a tensor is.
  package func extent(_ column: String, upTo limit: Int = MeasurementRow.extentLimit) -> Int? {
    integer(column).flatMap { (1...limit).contains($0) ? $0 : nil }
  }

  /// The extents in `columns`; nil when one of them is none.
  package func extents(_ columns: [String]) -> [Int]? {
    let found = columns.compactMap { extent($0) }
    return found.count == columns.count ? found : nil
  }

  /// The product of positive extents; nil above `limit`.
  package static func product(_ extents: [Int], upTo limit: Int = MeasurementRow.productLimit) -> Int? {
    extents.checkedProduct.flatMap { $0 <= limit ? $0 : nil }
  }

  /// No axis of a tensor that was measured is longer.
  package static let extentLimit = 1 << 24
  /// No product that was measured has more multiplications, and no tensor more elements; bytes of either stay far below 2⁶³.
  package static let productLimit = 1 << 48
}

/// What a schema makes of one row.
package enum RowOutcome: Sendable {
  /// Measured and predicted in the unit of the measured column.
  case predicted(measured: Double, predicted: Double, group: MeasurementGroup, note: String = "")
  /// Not predictable, and why; counted and named, never dropped.
  case skipped(why: String, group: MeasurementGroup)
}

/// Rows are summarised per target, number format and operation.
package struct MeasurementGroup: Sendable, Hashable, Comparable {
  package var target: String
  package var format: String
  package var operation: String

  package init(target: String, format: String, operation: String) {
    self.target = target
    self.format = format
    self.operation = operation
  }

  package static func < (a: Self, b: Self) -> Bool {
    (a.target, a.format, a.operation) < (b.target, b.format, b.operation)
  }
}

/// A table of measurements that a family can be checked against, recognised by its header.
///
/// Several schemas may share a header when a table has several measured columns: every schema that matches is applied.
package protocol MeasurementSchema: Sendable {
  /// `gpu-gemm`, `npu-systolic` … as in the documentation.
  var name: String { get }
  /// The columns that identify the schema; all must be present.
  var requiredColumns: [String] { get }
  /// Column that holds the measured figure.
  var measuredColumn: String { get }
  /// Name of the device of a row, for finding its target by name or alias; empty when the row carries its own machine.
  func device(of row: MeasurementRow) -> String
  /// Prepares a machine once; rows are then predicted on several threads at a time.
  func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor
  /// The same for tables whose rows describe each other (the layers of a design and the design): all rows are given.
  func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor
  /// True when the model behind the schema has an event form beside the closed one.
  var hasEventForm: Bool { get }
  /// The event form, for comparing it with the closed one; asked for only when there is one.
  func eventPredictor(for target: TargetFile?) throws(Failure) -> any RowPredictor
}

extension MeasurementSchema {
  package func predictor(for target: TargetFile?, in table: [MeasurementRow]) throws(Failure) -> any RowPredictor {
    try predictor(for: target)
  }

  package var hasEventForm: Bool { false }

  package func eventPredictor(for target: TargetFile?) throws(Failure) -> any RowPredictor { try predictor(for: target) }
}

/// Predicts rows of one schema on one machine.
package protocol RowPredictor: Sendable {
  func predict(_ row: MeasurementRow) -> RowOutcome
}
