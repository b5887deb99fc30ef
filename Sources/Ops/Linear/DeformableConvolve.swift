package import IR
internal import Foundation

/// Convolution whose taps are displaced by learnt offsets and optionally weighted, sampled bilinearly with zeros outside.
///
/// Inputs: x [n, c, h, w], weight [f, c/groups, kh, kw], offsets [n, offsetGroups·kh·kw·2, oh, ow], optional bias [f],
/// optional mask [n, offsetGroups·kh·kw, oh, ow]. Output: [n, f, oh, ow].
package struct DeformableConvolve: ONNXOperator {
  package static let name = "conv-deformable"

  package var strides: [Int]
  package var dilations: [Int]
  package var pads: [Int]
  package var groups: Int
  package var offsetGroups: Int

  package var convolution: Convolve { Convolve(strides: strides, dilations: dilations, pads: pads, groups: groups) }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    guard try context.tensor(0).rank == 4 else { throw OperatorError("ranks-match", "only two spatial axes are supported") }
    let types = try convolution.inferTypes(context)
    let offsets = try context.tensor(2)
    if let taps = try context.tensor(1).shape[2...].map(\.constant) as? [Int], let given = offsets.shape[1].constant,
      given != offsetGroups * 2 * taps.reduce(1, *)
    {
      throw OperatorError("offset-shape", "\(given) offset channels do not fit \(offsetGroups) groups of \(taps) taps")
    }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let hasBias = operands.inputs.count > 3 && operands.inputs[3] != nil
    return try convolution.computation(operands.selecting([0, 1] + (hasBias ? [3] : [])))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let w = try inputs.tensor(1)
    let offsets = try inputs.tensor(2).doubles()
    let bias = try inputs.optionalTensor(3)?.doubles()
    let mask = try inputs.optionalTensor(4)?.doubles()
    guard let shape = try shapes(inputs).first, offsetGroups > 0, x.shape[1] % offsetGroups == 0 else {
      throw OperatorError("groups-divide", "\(x.shape[1]) channels do not divide into \(offsetGroups) offset groups")
    }
    let g = convolution.geometry(x: x.shape, w: w.shape, y: shape)
    let plane = g.output[0] * g.output[1]
    let taps = g.kernel[0] * g.kernel[1]
    guard offsets.count == g.images * offsetGroups * taps * 2 * plane, mask == nil || mask?.count == offsets.count / 2 else {
      throw OperatorError("offset-shape", "the offsets do not fit the output")
    }
    let (values, weights) = (try x.doubles(), try w.doubles())
    let (channels, filters) = (g.inputChannels / groups, g.outputChannels / groups)
    let inPlane = g.input[0] * g.input[1]
    var y = (0..<(g.images * g.outputChannels * plane)).map { bias?[$0 / plane % g.outputChannels] ?? 0 }
    for image in 0..<g.images {
      for channel in 0..<g.inputChannels {
        let source = values[((image * g.inputChannels + channel) * inPlane)..<((image * g.inputChannels + channel + 1) * inPlane)]
        let group = image * offsetGroups + channel / (g.inputChannels / offsetGroups)
        for tap in 0..<taps {
          for position in 0..<plane {
            let offset = ((group * taps + tap) * 2) * plane + position
            let row = Double(position / g.output[1] * strides[0] + tap / g.kernel[1] * dilations[0] - g.padsBegin[0]) + offsets[offset]
            let column =
              Double(position % g.output[1] * strides[1] + tap % g.kernel[1] * dilations[1] - g.padsBegin[1]) + offsets[offset + plane]
            var sample = bilinear(source, g.input, row, column)
            if let mask { sample *= mask[(group * taps + tap) * plane + position] }
            if sample == 0 { continue }
            let first = channel / channels * filters
            for filter in first..<(first + filters) {
              y[(image * g.outputChannels + filter) * plane + position] +=
                sample * weights[(filter * channels + channel % channels) * taps + tap]
            }
          }
        }
      }
    }
    return [.tensor(Tensor(x.element, shape, rounding: y))]
  }

  private func bilinear(_ plane: ArraySlice<Double>, _ extents: [Int], _ row: Double, _ column: Double) -> Double {
    guard row > -1, column > -1, row < Double(extents[0]), column < Double(extents[1]) else { return 0 }
    let (top, left) = (row.rounded(.down), column.rounded(.down))
    func at(_ r: Int, _ c: Int) -> Double {
      r >= 0 && r < extents[0] && c >= 0 && c < extents[1] ? plane[plane.startIndex + r * extents[1] + c] : 0
    }
    let (r, c) = (Int(top), Int(left))
    let (down, right) = (row - top, column - left)
    return (1 - down) * ((1 - right) * at(r, c) + right * at(r, c + 1)) + down * ((1 - right) * at(r + 1, c) + right * at(r + 1, c + 1))
  }

  package static var onnxNames: [ONNXName] { ["DeformConv"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DeformableConvolve {
    let plain = try Convolve(importing: &node, weight: 1)
    return DeformableConvolve(
      strides: plain.strides, dilations: plain.dilations, pads: plain.pads, groups: plain.groups,
      offsetGroups: try node.integer("offset_group") ?? 1)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("DeformConv", convolution.exportONNX().attributes + [("offset_group", .integer(offsetGroups))])
  }
}
