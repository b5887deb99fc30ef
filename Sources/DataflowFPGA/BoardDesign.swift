/// The networks of board tables, from their compact parameters.
struct BoardDesign {
  var pipeline: PipelineDesign
  /// Side, colours and classes of the images of CIFAR-10, which the benchmark's networks classify.
  private static let image = (side: 32, channels: 3, classes: 10)

  /// `mlp`: `layers=64-72-8;w=12b`. `cnn`: `filters=32/4/32/32;kernels=1,4,4,4,4,4;strides=111/414`, the MLPerf Tiny
  /// residual family without shortcuts on 32 x 32 x 3 images with ten classes.
  init?(kind: String, params: String, reuse: Int) {
    var values: [String: String] = [:]
    for pair in params.split(separator: ";") {
      let sides = pair.split(separator: "=", maxSplits: 1)
      if sides.count == 2 { values[String(sides[0])] = String(sides[1]) }
    }
    switch kind {
    case "mlp":
      let sizes = (values["layers"] ?? "").split(separator: "-").compactMap { Int($0) }
      guard sizes.count > 1, sizes.allSatisfy({ $0 > 0 && $0 < 1 << 16 }) else { return nil }
      let bits = Int((values["w"] ?? "16").prefix { $0.isNumber }) ?? 16
      pipeline = PipelineDesign(
        chain: DenseReportPredictor.layers(sizes, reuse: reuse, bits: bits, strategy: .resource, transfer: .stream),
        name: kind,
        transfer: .stream)
    case "cnn":
      let filters = (values["filters"] ?? "").split(separator: "/").compactMap { Int($0) }
      let kernels = (values["kernels"] ?? "").split(separator: ",").compactMap { Int($0) }
      let strides = (values["strides"] ?? "").compactMap(\.wholeNumberValue)
      guard filters.count == 4, kernels.count >= 5, strides.count >= 5 else { return nil }
      let outputs = [filters[0], filters[1], filters[0], filters[2], filters[3]]
      guard let layers = Self.convolutions(outputs, kernels: kernels, strides: strides, reuse: reuse) else {
        return nil
      }
      pipeline = PipelineDesign(chain: layers, name: kind, transfer: .stream)
    default: return nil
    }
  }

  private static func convolutions(_ outputs: [Int], kernels: [Int], strides: [Int], reuse: Int) -> [LayerSpec]? {
    var layers: [LayerSpec] = []
    var (extent, channels) = (image.side, image.channels)
    for (index, filters) in outputs.enumerated() {
      let (kernel, stride) = (kernels[index], strides[index])
      guard kernel > 0, kernel < 32, stride > 0, filters > 0, filters < 4096, extent > 0 else { return nil }
      let result = (extent + stride - 1) / stride
      let pad = max(0, (result - 1) * stride + kernel - extent)
      if pad > 0 {
        var padding = LayerSpec(name: "pad\(index)", kind: .padding)
        (padding.height, padding.width, padding.channels) = (extent, extent, channels)
        (padding.outputHeight, padding.outputWidth, padding.outputChannels) = (extent + pad, extent + pad, channels)
        (padding.padTop, padding.padLeft) = (pad / 2, pad / 2)
        layers.append(padding)
      }
      var convolution = LayerSpec(name: "conv\(index)", kind: .convolution)
      (convolution.height, convolution.width, convolution.channels) = (extent + pad, extent + pad, channels)
      (convolution.outputHeight, convolution.outputWidth, convolution.outputChannels) = (result, result, filters)
      (convolution.kernelHeight, convolution.kernelWidth) = (kernel, kernel)
      (convolution.strideHeight, convolution.strideWidth) = (stride, stride)
      convolution.reuse = reuse
      convolution.weightBits = 8
      layers.append(convolution)
      (extent, channels) = (result, filters)
    }
    var dense = LayerSpec(name: "dense", kind: .dense)
    (dense.height, dense.width, dense.channels, dense.outputChannels) = (extent, extent, channels, image.classes)
    dense.reuse = reuse
    dense.weightBits = 8
    layers.append(dense)
    return layers
  }
}
