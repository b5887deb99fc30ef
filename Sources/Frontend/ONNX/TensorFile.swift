package import Basic
package import IR

/// Values stored by themselves in ONNX's format: the inputs and expected outputs of conformance cases.
package enum TensorFile {
  /// Reads a TensorProto, SequenceProto or OptionalProto, as the type of the value tells.
  package static func read(path: String, as type: ValueType) throws(Failure) -> Datum {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch {
      // A default message has no bytes at all: an empty optional or sequence.
      switch type {
      case .optional where isEmptyFile(path): return .optional(nil)
      case .sequence where isEmptyFile(path): return .sequence([])
      default: throw error
      }
    }
    let decoder = TensorDecoder(file: file, external: ExternalFiles(modelPath: path))
    return try read(WireReader(file), as: type, decoder, depth: 0)
  }

  private static func isEmptyFile(_ path: String) -> Bool { MappedFile.size(of: path) == 0 }

  private static func read(
    _ body: WireReader, as type: ValueType, _ decoder: TensorDecoder, depth: Int
  ) throws(Failure) -> Datum {
    guard depth < MessageParser.depthLimit else {
      throw body.malformed("values are nested too deeply", at: body.position)
    }
    var reader = body
    switch type {
    case .tensor, .unranked:
      let message = try MessageParser(decoder.file).tensor(body, at: body.position)
      var constant = try decoder.constant(message)
      // NumPy has no bfloat16: files made with it carry the bits as uint16.
      if type.isBfloat16, constant.type.element == .uint16 { constant.type.element = .bfloat16 }
      guard let tensor = Tensor(constant) else {
        throw body.malformed("a tensor that cannot be opened", at: body.position)
      }
      return .tensor(tensor)
    case .sequence(let element):
      var values: [Datum] = []
      while let field = try reader.next() {
        // SequenceProto: 3 tensors, 5 sequences, 7 optionals (onnx-data.proto).
        guard [3, 5, 7].contains(field.number) else { continue }
        values.append(try read(field.message(in: reader), as: element, decoder, depth: depth + 1))
      }
      return .sequence(values)
    case .optional(let element):
      while let field = try reader.next() {
        // OptionalProto: 3 tensor, 5 sequence, 7 optional.
        guard [3, 5, 7].contains(field.number) else { continue }
        return .optional(try read(field.message(in: reader), as: element, decoder, depth: depth + 1))
      }
      return .optional(nil)
    }
  }
}

extension ValueType {
  fileprivate var isBfloat16: Bool {
    switch self {
    case .tensor(let type): type.element == .bfloat16
    case .unranked(let element): element == .bfloat16
    case .sequence, .optional: false
    }
  }
}
