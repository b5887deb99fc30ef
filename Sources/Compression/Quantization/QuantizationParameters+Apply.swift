package import IR
internal import Ops

extension QuantizationParameters {
  /// What the values become when stored and read back; the arithmetic of ONNX's QuantizeLinear and DequantizeLinear.
  package func restored(_ values: [Float], shape: [Int]) -> [Float] {
    guard scheme.hasScale else { return values.map { NumberFormat.round($0, to: scheme.storage) } }
    var result = values
    if !codebooks.isEmpty {
      layout(shape).forEachRun { start, stride, length, index in
        let codebook = codebooks[table(ofScale: index)]
        for position in Swift.stride(from: start, to: start + length * stride, by: stride) {
          result[position] = codebook.levels[codebook.index(of: values[position] / scales[index])] * scales[index]
        }
      }
      return result
    }
    let codes = scheme.codeRange
    let isInteger = scheme.storage.isInteger
    let storage = scheme.storage
    result.withUnsafeMutableBufferPointer { target in
      layout(shape).forEachRun { start, stride, length, index in
        let scale = scales[index]
        let zero = Float(zeros[index])
        if isInteger {
          Self.restoreIntegers(
            target, start, stride, length, scale: scale, low: Float(codes.lowerBound) - zero, high: Float(codes.upperBound) - zero)
        } else {
          for step in 0..<length {
            let position = start + step * stride
            target[position] = NumberFormat.round(target[position] / scale, to: storage) * scale
          }
        }
      }
    }
    return result
  }

  /// Rounds to nearest even by adding and subtracting 1.5·2²³, exact below 2²²; larger numbers are clamped first.
  private static func restoreIntegers(
    _ target: UnsafeMutableBufferPointer<Float>, _ start: Int, _ stride: Int, _ length: Int, scale: Float, low: Float, high: Float
  ) {
    let magic: Float = 12_582_912
    for step in 0..<length {
      let position = start + step * stride
      let bounded = max(low, min(high, target[position] / scale))
      target[position] = ((bounded + magic) - magic) * scale
    }
  }

  /// One value with the scale of this index.
  package func restored(_ value: Float, scaleIndex: Int) -> Float {
    guard scheme.hasScale else { return NumberFormat.round(value, to: scheme.storage) }
    let scale = scales[scaleIndex]
    if !codebooks.isEmpty {
      let codebook = codebooks[table(ofScale: scaleIndex)]
      return codebook.levels[codebook.index(of: value / scale)] * scale
    }
    guard scheme.storage.isInteger else { return NumberFormat.round(value / scale, to: scheme.storage) * scale }
    let (codes, zero) = (scheme.codeRange, Float(zeros[scaleIndex]))
    let magic: Float = 12_582_912
    let bounded = max(Float(codes.lowerBound) - zero, min(Float(codes.upperBound) - zero, value / scale))
    return ((bounded + magic) - magic) * scale
  }

  package func restored(_ tensor: Tensor) -> Tensor {
    guard case .float32(let values) = tensor.elements else { return tensor }
    return Tensor(tensor.shape, floats: restored(values, shape: tensor.shape))
  }

  /// The stored numbers themselves.
  package func stored(_ values: [Float], shape: [Int]) -> Tensor {
    guard scheme.hasScale else { return Tensor(scheme.storage, shape, rounding: values.map(Double.init)) }
    let layout = layout(shape)
    let codes = scheme.codeRange
    var result = [Double](repeating: 0, count: values.count)
    layout.forEachRun { start, stride, length, index in
      let scale = scales[index]
      let zero = Double(zeros[index])
      for step in 0..<length {
        let position = start + step * stride
        let quotient = values[position] / scale
        let code = scheme.storage.isInteger ? Double(quotient.rounded(.toNearestOrEven)) + zero : Double(quotient)
        result[position] = max(codes.lowerBound, min(codes.upperBound, code))
      }
    }
    return Tensor(scheme.storage, shape, rounding: result)
  }

  /// Positions in the codebooks, in 4 bits where they fit and 8 otherwise; nil without one.
  func indices(_ values: [Float], shape: [Int]) -> Tensor? {
    guard !codebooks.isEmpty, let bits = scheme.codebookBits else { return nil }
    var result = [Int64](repeating: 0, count: values.count)
    layout(shape).forEachRun { start, stride, length, index in
      let codebook = codebooks[table(ofScale: index)]
      for position in Swift.stride(from: start, to: start + length * stride, by: stride) {
        result[position] = Int64(codebook.index(of: values[position] / scales[index]))
      }
    }
    return Tensor(bits <= 4 ? .uint4 : .uint8, shape, saturating: result)
  }

  /// Shape of the scale tensor in ONNX's operators.
  package func scaleShape(_ shape: [Int]) -> [Int] {
    switch scheme.granularity {
    case .tensor, .token: return []
    case .channel: return [scales.count]
    case .group(let axis, let size):
      var result = shape
      let position = axis < 0 ? axis + shape.count : axis
      guard result.indices.contains(position) else { return result }
      result[position] = (shape[position] + max(1, size) - 1) / max(1, size)
      return result
    }
  }

  /// Where the table of every channel starts among all tables, to be added to positions of a weight of this shape.
  func tableStarts(_ shape: [Int]) -> Tensor {
    var extents = [Int](repeating: 1, count: shape.count)
    if case .channel(let axis) = scheme.granularity, let place = shape.indices.first(where: { $0 == axis || $0 == axis + shape.count }) {
      extents[place] = scales.count
    }
    let width = codebooks.first?.levels.count ?? 1
    return Tensor(.int32, extents, saturating: scales.indices.map { Int64(table(ofScale: $0) * width) })
  }
}
