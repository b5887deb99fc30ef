internal import Passes

/// The passes of the compiler as text: what each does, what it promises, and which near misses it can name.
package enum PassListing {
  /// For `docs/passes.md`, which `make docs` writes.
  package static func markdown() -> String {
    var text = """
      # Passes

      Written by `make docs` from the catalog. A pass promises what happens to the numbers; a recogniser or fusion lists the
      conditions whose failure it records as a near miss (`explain --missed-fusions`).

      """
    for pipeline in PassCatalog.pipelines {
      text += "\n**\(pipeline.name)**: \(pipeline.summary)\n\n"
      text += pipeline.passes.map { "`\($0.name)`" }.joined(separator: " → ") + "\n"
    }
    for pass in PassCatalog.all {
      text += "\n## \(pass.name)\n\n\(pass.summary) Promise: \(pass.preserves).\n"
      if !pass.conditions.isEmpty { text += "\nNear misses:\n\n" + pass.conditions.map { "- \($0)\n" }.joined() }
    }
    return text
  }

  /// One line per pass.
  package static func table() -> String {
    PassCatalog.all.map { "\($0.name)  (\($0.preserves))  \($0.summary)\n" }.joined()
  }
}
