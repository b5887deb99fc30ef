import Foundation
import Testing

@Suite("House rules")
struct HouseRulesTests {
  /// The arrows of docs/architecture.md: what each module may import beside the standard library, Foundation and Dispatch.
  static let arrows: [String: Set<String>] = [
    "Basic": ["CCrypto"],
    "IR": ["Basic"],
    "Ops": ["IR", "Basic"],
    "Frontend": ["Ops", "IR", "Basic"],
    "Numerics": ["Ops", "IR", "Basic", "CBLAS", "CZlib"],
    "Passes": ["Ops", "Numerics", "IR", "Basic"],
    "Compression": ["Passes", "Numerics", "Ops", "IR", "Basic"],
    "Recipes": ["Compression", "Basic", "Yams"],
    "Hardware": ["Basic", "CLibXML2"],
    "Results": ["Basic"],
    "Engine": ["Results", "Basic", "HeapModule", "DequeModule", "Collections"],
    "Lowering": ["IR", "Hardware", "Results", "Basic"],
    "TensorCoreGPU": ["Lowering", "Engine", "IR", "Hardware", "Results", "Basic"],
    "DataflowFPGA": ["Lowering", "Engine", "IR", "Hardware", "Results", "Basic"],
    "TiledNPU": ["Lowering", "Engine", "IR", "Hardware", "Results", "Basic"],
    "Reports": ["Results", "Basic"],
    "Driver": [
      "Frontend", "Recipes", "Compression", "Passes", "Numerics", "Ops", "IR", "Basic", "Hardware", "Lowering", "Results", "Reports",
      "TensorCoreGPU", "DataflowFPGA",
      "TiledNPU", "Engine",
    ],
    "cyclewright": [
      "Driver", "Compression", "Recipes", "ArgumentParser", "Basic", "Hardware", "IR", "Lowering", "Passes", "Reports", "Results",
    ],
    "cyclewright-render": ["CGraphviz"],
    "cyclewright-conformance": ["Driver", "Frontend", "Numerics", "Ops", "IR", "Basic", "ArgumentParser", "Passes"],
  ]

  static let platform: Set<String> = ["Foundation", "Dispatch", "FoundationEssentials", "Glibc", "Darwin", "Musl", "Synchronization"]

  @Test func importsFollowTheArrows() throws {
    var modules: Set<String> = []
    for file in SourceTree.swiftFiles(under: "Sources") {
      let module = String(file.path.split(separator: "/")[1])
      modules.insert(module)
      let allowed = try #require(Self.arrows[module], "module \(module) has no line in the table of arrows")
      for (number, code) in SourceTree.codeLines(file.text) {
        let words = code.split(separator: " ")
        guard let position = words.firstIndex(of: "import"), position + 1 < words.count, position <= 2 else { continue }
        let name = String(words[position + 1].split(separator: ".")[0])
        #expect(allowed.contains(name) || Self.platform.contains(name), "\(file.path):\(number): \(module) may not import \(name)")
      }
    }
    #expect(modules.count > 12)
  }

  @Test func filesStayShort() {
    for file in SourceTree.swiftFiles(under: "Sources") {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(lines <= 500, "\(file.path) has \(lines) lines; split it at 500")
    }
  }

  @Test func nothingIsForcedAndLibrariesDoNotPrint() throws {
    let forced = try Regex(#"(try!|\bas!|[A-Za-z0-9_\)\]]!(?![=]))"#)
    for file in SourceTree.swiftFiles(under: "Sources") {
      let isLibrary = !file.path.hasPrefix("Sources/cyclewright")
      for (number, code) in SourceTree.codeLines(file.text) {
        #expect(code.firstMatch(of: forced) == nil, "\(file.path):\(number): forced: \(code)")
        if isLibrary {
          #expect(
            !code.contains("print(") || code.contains(".print(") || code.contains("func print("), "\(file.path):\(number): a library prints"
          )
        }
      }
    }
  }

  @Test func everyOperatorIsInTheCatalog() throws {
    let catalog = try SourceTree.text("Sources/Ops/OperatorCatalog.swift")
    let declaration = try Regex(#"struct ([A-Za-z0-9]+): (ONNXOperator|Operator)\b"#)
    var count = 0
    for file in SourceTree.swiftFiles(under: "Sources/Ops") {
      for match in file.text.matches(of: declaration) {
        let name = String(match.output[1].substring ?? "")
        count += 1
        #expect(catalog.contains("\(name).self"), "\(file.path): \(name) is not in OperatorCatalog")
      }
    }
    #expect(count > 50)
  }

  @Test func everyPassAndReportIsInItsCatalog() throws {
    let passes = try SourceTree.text("Sources/Passes/Manager/PassCatalog.swift")
    let pass = try Regex(#"^(?:package )?let ([a-zA-Z]+) = (?:GraphPass|recognizer)\("#).anchorsMatchLineEndings()
    var count = 0
    for file in SourceTree.swiftFiles(under: "Sources/Passes") {
      for match in file.text.matches(of: pass) {
        let name = String(match.output[1].substring ?? "")
        count += 1
        #expect(passes.contains(name), "\(file.path): \(name) is not in PassCatalog")
      }
    }
    #expect(count > 8)
    let reports = try SourceTree.text("Sources/Reports/ReportCatalog.swift")
    let report = try Regex(#"(?:struct|enum) ([A-Za-z]+): Report\b"#)
    for file in SourceTree.swiftFiles(under: "Sources/Reports") {
      for match in file.text.matches(of: report) {
        let name = String(match.output[1].substring ?? "")
        #expect(reports.contains("\(name).self"), "\(file.path): \(name) is not in ReportCatalog")
      }
    }
  }

  /// Machines switch over computations, never over operator names.
  @Test func machinesDoNotKnowOperators() {
    for module in ["TensorCoreGPU", "DataflowFPGA", "TiledNPU", "Lowering", "Engine", "Reports"] {
      for file in SourceTree.swiftFiles(under: "Sources/\(module)") {
        for (number, code) in SourceTree.codeLines(file.text) {
          #expect(!code.contains("any Operator"), "\(file.path):\(number): a machine looks at an operator")
        }
      }
    }
  }

  /// What a machine fuses is data: every target states it, itself or in the target it extends.
  @Test func everyTargetSaysWhatItFuses() throws {
    var texts: [String: String] = [:]
    for file in SourceTree.files(under: "targets", suffix: "xml") {
      let name = file.path.split(separator: "/").last.map { String($0.dropLast(4)) } ?? ""
      texts[name] = file.text
    }
    #expect(texts.count > 40)
    let base = try Regex(#"extends="([^"]+)""#)
    for name in texts.keys.sorted() {
      var current: String? = name
      var says = false
      for _ in 0..<8 where !says {
        guard let text = current.flatMap({ texts[$0] }) else { break }
        says = text.contains("<fusion ")
        current = text.firstMatch(of: base).flatMap { $0.output[1].substring.map(String.init) }
      }
      #expect(says, "target \(name) has no <fusion> of its own or inherited: see docs/targets.md")
    }
  }
}
