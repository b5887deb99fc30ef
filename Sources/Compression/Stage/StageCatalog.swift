/// Every stage of recipes, one line each.
package enum StageCatalog {
  package static let all: [any CompressionStage.Type] = [
    FoldStage.self,
    EqualizeStage.self,
    QuantizeStage.self,
    SparsifyStage.self,
    PruneChannelsStage.self,
    LowRankStage.self,
    DeriveStudentStage.self,
    MixedPrecisionStage.self,
  ]

  package static func stage(named name: String) -> (any CompressionStage.Type)? { all.first { $0.schema.name == name } }
}
