import Basic
import Hardware
import Results
import Testing

@testable import Reports

@Suite struct OverlayTests {
  private func read(_ texts: String...) throws -> MeasuredProfile {
    try MeasuredProfile.read(texts.enumerated().map { ("file\($0)", Array($1.utf8)) })
  }

  @Test func tensorRTTimesAreJoinedWithTheLayersTheyBelongTo() throws {
    let profile = try read(
      """
      [ { "count" : 203 }, { "name" : "fused_1", "timeMs" : 4.06, "averageMs" : 0.02, "medianMs" : 0.02, "percentage" : 40 },
        { "name" : "Reformatting CopyNode for Input Tensor 0 to fused_1", "timeMs" : 1, "averageMs" : 0.005, "percentage" : 10 } ]
      """,
      """
      {"Layers": [{"Name": "fused_1", "LayerType": "CaskConvolution", "Metadata": "[ONNX Layer: conv1/Conv 3×3]\\u001e[ONNX Layer: conv1/Relu]"},
        {"Name": "x", "LayerType": "Reformat"}], "Bindings": ["data"]}
      """)
    #expect(profile.tool == .tensorRT)
    #expect(profile.layers.map(\.sources) == [["conv1/Conv 3×3", "conv1/Relu"], []])
    #expect(profile.layers[0].seconds == 0.02 * 1e-3)
    let overlay = Overlay(SyntheticResult.residualNetwork(), profile)
    #expect(overlay.matches.count == 1)
    #expect(overlay.matches[0].kernels.map(\.id) == [0])
    #expect(abs((overlay.matches[0].error ?? 1) - 0.0028) < 0.0001)
    #expect(overlay.unmatchedLayers.count == 1)
    let text = OverlayReport.render(SyntheticResult.residualNetwork(), overlay)
    #expect(text.contains("1 measured layers without a kernel, 5.00 µs: Reformatting CopyNode"))
    #expect(text.contains("55 kernels without a measured layer"))
  }

  @Test(arguments: [
    ("/conv1/Conv + /relu/Relu", ["/conv1/Conv", "/relu/Relu"]),
    ("PWN(PWN(/act/Sigmoid), /act/Mul)", ["/act/Sigmoid", "/act/Mul"]),
    ("/a/Conv || /b/Conv", ["/a/Conv", "/b/Conv"]),
    ("{ForeignNode[/enc/MatMul.../enc/Add_3]}", ["/enc/MatMul", "/enc/Add_3"]),
    ("reshape_before_/head/MatMul", ["/head/MatMul"]), ("/head/Reshape_3_copy_output", ["/head/Reshape_3"]),
    ("Reformatting CopyNode for Output Tensor 0 to /conv1/Conv", []), ("", []),
  ])
  func namesOfTensorRTLayersAreTakenApart(name: String, sources: [String]) {
    #expect(TensorRTProfile.sources(ofName: name) == sources)
  }

  /// TensorRT compiles attention and what is around it as one region and names only its ends.
  @Test func aRegionIsAllThatNoOtherLayerNamesBetweenItsEnds() throws {
    let result = SyntheticResult.transformer(layers: 2)
    let nodes = result.kernels.flatMap(\.origin)
    let (first, inner, last) = (nodes[1], nodes[4], nodes[nodes.count - 2])
    let profile = try read(
      """
      [{ "count" : 625 }
      , { "name" : "{ForeignNode[\(first)...\(last)]}", "timeMs" : 5, "averageMs" : 0.5, "medianMs" : 0.5, "percentage" : 90 }
      , { "name" : "\(inner)", "timeMs" : 1, "averageMs" : 0.1, "medianMs" : 0.1, "percentage" : 10 }]
      """)
    #expect(profile.layers.map(\.isRegion) == [true, false])
    let sources = RegionSources(result).sources(of: profile.layers)
    #expect(sources == [nodes[1...(nodes.count - 2)].filter { $0 != inner }, [inner]])
    let overlay = Overlay(result, profile)
    #expect(overlay.unmatchedLayers.isEmpty)
    let between = result.kernels.filter { !Set($0.origin).isDisjoint(with: nodes[1...(nodes.count - 2)]) }
    #expect(overlay.matches.reduce(0) { $0 + $1.kernels.count } == between.count)
  }

  @Test func onnxRuntimeTimesAreMeansOverRuns() throws {
    let profile = try read(
      """
      [{"cat":"Session","pid":1,"tid":1,"dur":900,"ts":1,"ph":"X","name":"model_run","args":{}},
       {"cat":"Session","pid":1,"tid":1,"dur":900,"ts":1,"ph":"X","name":"model_run","args":{}},
       {"cat":"Node","pid":1,"tid":1,"dur":10,"ts":5,"ph":"X","name":"fc/Gemm_kernel_time","args":{"op_name":"Gemm"}},
       {"cat":"Node","pid":1,"tid":1,"dur":1,"ts":5,"ph":"X","name":"fc/Gemm_fence_before","args":{"op_name":"Gemm"}},
       {"cat":"Node","pid":1,"tid":1,"dur":14,"ts":5,"ph":"X","name":"fc/Gemm_kernel_time","args":{"op_name":"Gemm"}}]
      """)
    #expect(profile.tool == .onnxRuntime)
    #expect(profile.layers.count == 1)
    #expect(abs((profile.layers[0].seconds ?? 0) - 12e-6) < 1e-12)
    #expect(Overlay(SyntheticResult.residualNetwork(), profile).match(ofKernel: 55)?.layers.count == 1)
  }

  @Test func velaCountsCycles() throws {
    let profile = try read(
      """
      TFLite_operator,NNG Operator,SRAM Usage,Peak%,Op Cycles,Network%,NPU,SRAM AC,DRAM AC,OnFlash AC,OffFlash AC,MAC Count,Network%,MAC Util%,Name
      CONV_2D,Conv2DBias,1000,5.0,2000.0,10.0,1500,200,0,0,300,100000,1.0,50.0,fc/Gemm
      """)
    let overlay = Overlay(SyntheticResult.residualNetwork(), profile)
    #expect(overlay.countsCycles)
    #expect(overlay.matches.first?.measured == 2000)
    #expect(OverlayReport.render(SyntheticResult.residualNetwork(), overlay).contains("2,000 cyc"))
  }

  @Test func velaRowsBelongToTheOperatorTheyWereMadeFrom() throws {
    let profile = try read(
      """
      Original Operator,NNG Operator,Target,Op Cycles,Name
      Conv2D,Conv2D,NPU,26185,fc/Gemm;fc/BiasAdd/ReadVariableOp/resource;fc/Conv2D1
      Conv2D,Relu,NPU,0,fc/Gemm;fc/BiasAdd/ReadVariableOp/resource;fc/Conv2D1
      Softmax,MaxPool,NPU,134,fc/Gemm_softmax_0
      Softmax,Sub,NPU,24,fc/Gemm_softmax_2
      Softmax,Asr,NPU,19,Identity
      """)
    #expect(profile.layers.map(\.sources) == [["fc/Gemm"], ["fc/Gemm"], ["Identity"], ["Identity"], ["Identity"]])
    #expect(Overlay(SyntheticResult.residualNetwork(), profile).match(ofKernel: 55)?.measured == 26_185)
  }

  @Test(arguments: [
    "", "[", "{}", "[]", "[1,2]", "[{\"name\":\"x\",\"averageMs\":-1}]", "a,b\n1,2", "Name,Op Cycles\nx,nan",
    "{\"Layers\":[\"x\"]}", "\u{0}",
  ])
  func hostileProfilesAreClearErrors(text: String) {
    let failure = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(failure?.description.hasPrefix("file0") == true, "\(failure?.description ?? "")")
  }

  @Test func pictureAndPageShowWhatWasMeasured() throws {
    let profile = MeasuredProfile(
      tool: .onnxRuntime, layers: [.init(name: "<script>", sources: ["fc/Gemm"], seconds: 5e-6)])
    var options = ReportOptions()
    options.schedule.overlay = Overlay(SyntheticResult.residualNetwork(), profile)
    #expect(
      try ScheduleReport.dot(SyntheticResult.residualNetwork(), options.schedule).contains(
        "measured 5.00 µs, predicted +10.0 %"))
    let text = try TextReport.render(SyntheticResult.residualNetwork(), as: "txt", options).text
    #expect(text.contains("matched: predicted 5.50 µs, measured 5.00 µs (+10.0 %)"))
    let page = try HTMLReport.render(SyntheticResult.residualNetwork(), as: "html", options).text
    #expect(page.contains("<section id=\"measured\">"))
    #expect(page.contains("&lt;script&gt;"))
  }
}
