package import Basic

/// Times that somebody measured per layer with a vendor's tool, to be laid over a prediction.
package struct MeasuredProfile: Sendable, Hashable {
  package enum Tool: String, Sendable { case tensorRT, onnxRuntime, vela }

  package struct Layer: Sendable, Hashable {
    package var name: String
    /// Names of the source nodes, as far as the tool tells.
    package var sources: [String]
    /// The tool names the first and the last source node only: the layer is all that no other layer names between them.
    package var isRegion = false
    /// Mean seconds per run; nil when the tool gives cycles.
    package var seconds: Double?
    package var cycles: Double?

    package init(name: String, sources: [String], isRegion: Bool = false, seconds: Double? = nil, cycles: Double? = nil) {
      self.name = name
      self.sources = sources
      self.isRegion = isRegion
      self.seconds = seconds
      self.cycles = cycles
    }
  }

  package var tool: Tool
  package var layers: [Layer]

  package init(tool: Tool, layers: [Layer]) {
    self.tool = tool
    self.layers = layers
  }

  package static let sizeLimit = 256 << 20

  /// Reads one file, or two where TensorRT splits times (`--exportProfile`) and layers (`--exportLayerInfo`).
  package static func read(_ files: [(name: String, bytes: [UInt8])]) throws(Failure) -> MeasuredProfile {
    var profiles: [MeasuredProfile] = []
    var known: [String: MeasuredProfile.Layer] = [:]
    for file in files {
      guard file.bytes.count <= sizeLimit else {
        throw Failure("\(file.bytes.count) bytes; a profile may have \(sizeLimit)", at: SourceLocation(file: file.name))
      }
      let start = file.bytes.first { !($0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09) }
      if start == UInt8(ascii: "{") {
        for layer in try TensorRTProfile.layers(file.bytes, file: file.name) { known[layer.name] = layer }
      } else if start == UInt8(ascii: "[") {
        profiles.append(try OrderedEvents.profile(file.bytes, file: file.name))
      } else {
        profiles.append(try VelaProfile.read(String(decoding: file.bytes, as: UTF8.self), file: file.name))
      }
    }
    guard var profile = profiles.first, profiles.count == 1 else {
      throw Failure(
        profiles.isEmpty
          ? "the file tells which layers there are but no times" : "\(profiles.count) files with times; give one",
        at: files.first.map { SourceLocation(file: $0.name) },
        fix: "give the file of trtexec --exportProfile, an onnxruntime profile or Vela's per-layer table")
    }
    for index in profile.layers.indices {
      guard let layer = known[profile.layers[index].name] else { continue }
      (profile.layers[index].sources, profile.layers[index].isRegion) = (layer.sources, layer.isRegion)
    }
    return profile
  }
}
