// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// One product module of the architecture: its name and the only modules it may import.
func module(_ name: String, _ imports: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: imports, exclude: exclude, swiftSettings: settings)
}

/// The tests of one module, in `Tests/<Module>Tests`.
func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: imports, swiftSettings: settings)
}

let package = Package(
  name: "cyclewright",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "cyclewright", targets: ["cyclewright"]),
    .library(name: "Driver", targets: ["Driver"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CGraphviz", pkgConfig: "libgvc", providers: [.apt(["libgraphviz-dev"])]),
    .systemLibrary(name: "CBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    module("Basic", ["CCrypto"]),
    module("IR", ["Basic"]),
    module("Ops", ["IR"]),
    module("Frontend", ["Ops"]),
    module("Numerics", ["Ops", "CBLAS", "CZlib"]),
    module("Passes", ["Ops", "Numerics"]),
    module("Compression", ["Passes", "Numerics"]),
    module("Recipes", ["Compression", .product(name: "Yams", package: "Yams")]),
    module("Hardware", ["Basic", "CLibXML2"]),
    module("Results", ["Basic"]),
    module("Engine", ["Results", .product(name: "HeapModule", package: "swift-collections")]),
    module("Lowering", ["IR", "Hardware", "Results"]),
    module("TensorCoreGPU", ["Lowering", "Engine"]),
    module("DataflowFPGA", ["Lowering", "Engine"]),
    module("TiledNPU", ["Lowering", "Engine"]),
    module("Reports", ["Results"]),
    module(
      "Driver",
      ["Frontend", "Recipes", "Passes", "Numerics", "TensorCoreGPU", "DataflowFPGA", "TiledNPU", "Reports"]),
    .executableTarget(
      name: "cyclewright",
      dependencies: [
        "Driver", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "cyclewright-render", dependencies: ["CGraphviz"], swiftSettings: settings),
    .executableTarget(
      name: "cyclewright-conformance", dependencies: ["Frontend", "Numerics", "Passes"], path: "Tests/Conformance",
      exclude: [
        "compare_models.py", "compare_nodes.py", "compare_operators.py", "compare_pipeline.py", "compare_tflite.py", "make_tflite_cases.py",
        "model_inputs.py",
      ],
      swiftSettings: settings),
    tests("BasicTests", ["Basic"]),
    tests("IRTests", ["IR", "Ops"]),
    tests("HardwareTests", ["Hardware"]),
    tests("DriverTests", ["Driver", "Hardware", "IR", "Lowering", "Reports", "cyclewright"]),
    tests("HouseRulesTests", []),
    .testTarget(
      name: "PassesTests", dependencies: ["Passes", "Lowering"], exclude: ["Exporters", "Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "CompressionTests", dependencies: ["Compression", "Frontend"], exclude: ["Fixtures"], swiftSettings: settings),
    tests("RecipesTests", ["Recipes"]),
    tests("ResultsTests", ["Results"]),
    tests("EngineTests", ["Engine"]),
    .testTarget(
      name: "ReportsTests", dependencies: ["Reports", "Hardware", "cyclewright-render"], exclude: ["query-trace.mjs"],
      swiftSettings: settings),
    tests("DataflowFPGATests", ["DataflowFPGA", "Engine"]),
    tests("TensorCoreGPUTests", ["TensorCoreGPU", "Hardware", "IR", "Lowering"]),
    tests("OpsTests", ["IR", "Ops"]),
    tests("TiledNPUTests", ["TiledNPU", "Lowering", "Hardware", "Results", "IR"]),
    tests("FrontendTests", ["Frontend", "Numerics", "Ops"]),
    tests("NumericsTests", ["Ops", "Numerics"]),
  ],
  swiftLanguageModes: [.v6]
)
