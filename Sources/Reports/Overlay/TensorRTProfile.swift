internal import Basic
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The files that `trtexec --exportProfile` and `--exportLayerInfo` write.
enum TensorRTProfile {
  private struct LayerInfo: Decodable {
    var layers: [Entry]
    enum CodingKeys: String, CodingKey { case layers = "Layers" }
  }

  /// With `--profilingVerbosity=detailed` an object, otherwise only the name.
  private enum Entry: Decodable {
    case name(String)
    case detailed(name: String, metadata: String)

    enum CodingKeys: String, CodingKey { case name = "Name", metadata = "Metadata" }

    init(from decoder: any Decoder) throws {
      if let name = try? decoder.singleValueContainer().decode(String.self) {
        self = .name(name)
        return
      }
      let container = try decoder.container(keyedBy: CodingKeys.self)
      self = .detailed(
        name: try container.decode(String.self, forKey: .name),
        metadata: try container.decodeIfPresent(String.self, forKey: .metadata) ?? "")
    }
  }

  /// Names of the layers and their ONNX nodes.
  static func layers(_ bytes: [UInt8], file: String) throws(Failure) -> [MeasuredProfile.Layer] {
    let info: LayerInfo
    do {
      info = try JSONDecoder().decode(LayerInfo.self, from: Data(bytes))
    } catch {
      throw Failure(
        "not a file of trtexec --exportLayerInfo: \(JSONReport.message(of: error))", at: SourceLocation(file: file))
    }
    return info.layers.map { entry in
      switch entry {
      case .name(let name): return layer(named: name)
      case .detailed(let name, let metadata):
        let sources = sources(ofMetadata: metadata)
        return sources.isEmpty ? layer(named: name) : .init(name: name, sources: sources)
      }
    }
  }

  /// What the name of a layer tells; `{ForeignNode[/a/MatMul.../b/Add]}` is a region compiled as a whole.
  static func layer(named name: String) -> MeasuredProfile.Layer {
    .init(name: name, sources: sources(ofName: name), isRegion: name.contains("ForeignNode[") && name.contains("..."))
  }

  /// `[ONNX Layer: /conv1/Conv]␞[ONNX Layer: /relu/Relu]`.
  static func sources(ofMetadata text: String) -> [String] {
    text.split(separator: "\u{1E}").compactMap { part in
      guard part.hasPrefix("[ONNX Layer: "), part.hasSuffix("]") else { return nil }
      return String(part.dropFirst(13).dropLast())
    }
  }

  /// `PWN(/act/Sigmoid) + /act/Mul || /conv2/Conv`, `{ForeignNode[/a/MatMul.../b/Add]}`, `reshape_before_/a/MatMul`.
  static func sources(ofName name: String) -> [String] {
    // Inserted copies carry another layer's name but are not that layer.
    guard !name.hasPrefix("Reformatting CopyNode") else { return [] }
    var text = name
    for (word, replacement) in [
      ("ForeignNode[", ""), ("Myelin", ""), ("PWN(", ""), ("{", ""), ("}", ""), ("]", ""), (" || ", " + "),
      ("...", " + "), (", ", " + "),
    ] {
      text = text.replacing(word, with: replacement)
    }
    return text.split(separator: " + ").map { part in
      var part = part
      while part.first == " " { part.removeFirst() }
      while part.last == " " || (part.last == ")" && part.count { $0 == ")" } > part.count { $0 == "(" }) {
        part.removeLast()
      }
      // Moves of data that the engine adds for a node and names after it.
      for prefix in ["reshape_before_", "reshape_after_"] where part.hasPrefix(prefix) { part.removeFirst(prefix.count) }
      if part.hasSuffix("_copy_output") { part.removeLast("_copy_output".count) }
      return String(part)
    }.filter { !$0.isEmpty }
  }
}
