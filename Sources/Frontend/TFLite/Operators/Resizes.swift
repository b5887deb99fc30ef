internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let resizes: [TFLiteMapping] = [
    TFLiteMapping(23, "RESIZE_BILINEAR") { (node) throws(Failure) in
      let (aligns, centres) = (try node.flag(2), try node.flag(3))
      let operation = Resize(
        .linear, coordinates: aligns ? .alignCorners : centres ? .halfPixel : .asymmetric, axes: [1, 2])
      return try node.store(try node.add(operation, [try node.real(0), nil, nil, node.constant(try node.integers(1))]))
    },
    TFLiteMapping(97, "RESIZE_NEAREST_NEIGHBOR") { (node) throws(Failure) in
      let (aligns, centres) = (try node.flag(0), try node.flag(1))
      let operation = Resize(
        .nearest, coordinates: aligns ? .alignCorners : centres ? .tensorFlowHalfPixel : .asymmetric,
        rounding: aligns ? .preferCeiling : .floor, axes: [1, 2])
      return try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(operation, [x[0], nil, nil, node.constant(try node.integers(1))])
      }
    },
  ]
}
