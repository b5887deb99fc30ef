package import Basic
package import Hardware
package import Lowering

/// Columns of a table of mapped primitives.
package enum MappingFigure: String, Sendable, CaseIterable {
  case dsp, ramb18, ramb36, uram, lutram
}

/// How multipliers and memories of given widths are mapped to primitives by logic synthesis.
package struct MappingSchema: MeasurementSchema {
  package let figure: MappingFigure

  package init(_ figure: MappingFigure) { self.figure = figure }

  package var name: String { "fpga-primitive-mapping-\(figure.rawValue)" }
  package var requiredColumns: [String] {
    ["family", "primitive", "a_bits", "b_bits", "depth", "width", "option", "ramb18", "ramb36"]
  }
  package var measuredColumn: String { figure.rawValue }

  /// A part of the family.
  package func device(of row: MeasurementRow) -> String {
    switch row["family"] {
    case "xc7": "xc7z020"
    case "xcup": "zu9eg"
    default: String(row["family"])
    }
  }

  package func predictor(for target: TargetFile?) throws(Failure) -> any RowPredictor {
    guard let target else { throw Failure("the family of the table has no target file") }
    return MappingPredictor(figure: figure, description: try FPGADescription(target))
  }
}

struct MappingPredictor: RowPredictor {
  let figure: MappingFigure
  let description: FPGADescription

  /// No word that was mapped has more bits.
  private static let widest = 1 << 16

  func predict(_ row: MeasurementRow) -> RowOutcome {
    let group = MeasurementGroup(
      target: String(row["family"]), format: String(row["option"]), operation: "\(row["primitive"]) \(figure.rawValue)")
    guard let measured = row.count(figure.rawValue) else {
      return .skipped(why: "no \(figure.rawValue) in this row", group: group)
    }
    let part = description.part
    if let a = row.extent("a_bits", upTo: Self.widest), let b = row.extent("b_bits", upTo: Self.widest) {
      guard figure == .dsp else {
        let other = MeasurementGroup(target: group.target, format: "", operation: "not measured")
        return .skipped(why: "a multiplier is no memory", group: other)
      }
      guard let rule = description.mappers["yosys"] else {
        return .skipped(why: "no <mapper name=\"yosys\">", group: group)
      }
      let blocks = row["option"] == "-nodsp" ? 0 : rule.blocks(data: a, weight: b, on: part.block)
      return .predicted(measured: measured, predicted: Double(blocks), group: group)
    }
    guard let depth = row.extent("depth"), let width = row.extent("width", upTo: Self.widest) else {
      return .skipped(why: "neither operand widths nor a memory shape", group: group)
    }
    let place = part.memory.place(depth: depth, width: width, writable: true, allowUltra: row["option"] == "-uram")
    let halves = place.kind == .block ? place.primitives : 0
    // Two halves of one block side by side or end to end are a whole block.
    let predicted: Int
    switch figure {
    case .dsp: predicted = 0
    case .ramb18: predicted = halves % 2
    case .ramb36: predicted = halves / 2
    case .uram: predicted = place.kind == .ultra ? place.primitives : 0
    case .lutram: predicted = place.kind == .lut ? place.primitives : 0
    }
    return .predicted(measured: measured, predicted: Double(predicted), group: group)
  }
}
