internal import Results

/// Colours that stay apart for readers with any common colour vision deficiency.
///
/// Strong colours are those of Okabe and Ito (2008), light ones of Tol's "light" scheme (SRON/EPS/TN/09-002). Every
/// colour is repeated in words wherever it is used.
enum Palette {
  struct Entry: Sendable, Hashable {
    var name: String
    var colour: String
  }

  /// Border colour: what limits a kernel.
  static func colour(of bound: Bound) -> String {
    switch bound {
    case .compute: "#0072B2"
    case .feed: "#56B4E9"
    case .cache: "#E69F00"
    case .memory: "#D55E00"
    case .link: "#CC79A7"
    case .launch: "#5F5F5F"
    case .dependency: "#009E73"
    case .host: "#000000"
    case .quantization: "#882255"
    case .reduction: "#999933"
    }
  }

  /// Fill colour: the family of the operation.
  static func fill(ofKind kind: String) -> String {
    families.first { $0.name == kind }?.colour ?? "#E8E8E8"
  }

  static let families: [Entry] = [
    Entry(name: "convolution", colour: "#B5D3EE"),
    Entry(name: "matmul", colour: "#F7EFC4"),
    Entry(name: "attention", colour: "#A9E0CE"),
    Entry(name: "pointwise", colour: "#E2EAA6"),
    Entry(name: "reduction", colour: "#FFD5DD"),
    Entry(name: "movement", colour: "#EFEFEF"),
    Entry(name: "loop", colour: "#C6EEFF"),
    Entry(name: "opaque", colour: "#F6C3B2"),
  ]

  /// Fill colour in the second palette: the number format, by its family (`bf16 2:4` and `bf16` share one).
  static func fill(ofFormat format: String) -> String {
    formats.first { format.hasPrefix($0.name) }?.colour ?? "#E8E8E8"
  }

  static let formats: [Entry] = [
    Entry(name: "f32", colour: "#F6C3B2"),
    Entry(name: "tf32", colour: "#F7EFC4"),
    Entry(name: "f16", colour: "#BFD9F2"),
    Entry(name: "bf16", colour: "#C6EEFF"),
    Entry(name: "f8", colour: "#A9E0CE"),
    Entry(name: "f4", colour: "#E2EAA6"),
    Entry(name: "i8", colour: "#FFD5DD"),
    Entry(name: "i4", colour: "#E6D5F2"),
  ]
}
