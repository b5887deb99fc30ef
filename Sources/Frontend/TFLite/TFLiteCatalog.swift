internal import Basic
internal import IR

/// How one operator of the schema becomes nodes: its code, its name, and what it adds to the graph.
struct TFLiteMapping: Sendable {
  let code: Int
  let name: String
  /// Adds nodes and gives the results as they are stored, in the order of the operator's outputs.
  let add: @Sendable (TFLiteNode) throws(Failure) -> [ValueID]

  /// An operator of one result.
  init(_ code: Int, _ name: String, _ body: @escaping @Sendable (TFLiteNode) throws(Failure) -> ValueID) {
    self.code = code
    self.name = name
    add = { (node) throws(Failure) in [try body(node)] }
  }

  /// An operator of any number of results.
  init(_ code: Int, _ name: String, results: @escaping @Sendable (TFLiteNode) throws(Failure) -> [ValueID]) {
    self.code = code
    self.name = name
    add = results
  }
}

/// Every TFLite operator the importer reads, by family.
enum TFLiteCatalog {
  static let all: [TFLiteMapping] =
    convolutions + products + pools + elementwise + selections + reductions + rearrangements + slices + resizes + quantizations
    + variables + controlFlow + recurrences + filters

  static let byCode: [Int: TFLiteMapping] = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })

  /// The code of operators that carry a name of their own.
  static let custom = 32

  /// Operators that other projects added, by the name they carry.
  static let byName: [String: TFLiteMapping] = Dictionary(uniqueKeysWithValues: mediaPipe.map { ($0.name, $0) })

  static func mapping(for code: TFLiteOperatorCode) -> TFLiteMapping? {
    code.builtin == custom ? byName[code.custom] : byCode[code.builtin]
  }
}
