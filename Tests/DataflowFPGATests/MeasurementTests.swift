import Basic
import DataflowFPGA
import Lowering
import Testing

struct MeasurementTests {
  private func rows(_ text: String) throws -> [MeasurementRow] {
    let table = try CommaSeparated(text, file: "table.csv")
    let columns = Dictionary(uniqueKeysWithValues: table.header.enumerated().map { ($1, $0) })
    return table.rows.map { MeasurementRow(line: $0.line, columns: columns, cells: $0.cells) }
  }

  private func outcomes(_ schema: any MeasurementSchema, _ text: String, target: String) throws -> [RowOutcome] {
    let rows = try rows(text)
    let predictor = try schema.predictor(for: Targets.file(target), in: rows)
    return rows.map(predictor.predict)
  }

  private static let header =
    "case,tool,stage,part,clock_mhz,layer_type,params,precision,reuse_factor,strategy,io_type,latency_cycles,latency_min,ii,dsp,lut,ff,bram18"

  /// A padded convolution, its activation, and a dense layer, described as a report table would.
  private static let design = """
    \(header)
    toy/line_buffer/resource,vivado,csynth,xcvu9p,200,model,F=4,"ap_fixed<16,6>",,resource,io_stream,1000,1000,1000,10,1,1,1
    toy/line_buffer/resource/dense_config9,vivado,csynth,xcvu9p,200,dense,n_in=144;n_out=4,"ap_fixed<16,6>",36,resource,io_stream,92,91,92,16,1,1,8
    toy/line_buffer/resource/relu_config5,vivado,csynth,xcvu9p,200,relu,in=6x6;c=4,"ap_fixed<16,6>",,resource,io_stream,39,39,39,0,1,1,0
    toy/line_buffer/resource/conv_config2,vivado,csynth,xcvu9p,200,conv2d,in_h=8;in_w=8;c_in=2;c_out=4;k=3x3;out_h=6;out_w=6,"ap_fixed<16,6>",9,resource,io_stream,832,128,832,8,1,1,4
    toy/line_buffer/resource/pad_config12,vivado,csynth,xcvu9p,200,zeropad2d,in=6x6;c=2;out=8x8,"ap_fixed<16,6>",,resource,io_stream,67,67,67,0,1,1,0
    toy/line_buffer/resource,vivado,cosim,xcvu9p,200,model,F=4,"ap_fixed<16,6>",,resource,io_stream,900,700,600,,,,
    toy/line_buffer/resource/odd,vivado,csynth,xcvu9p,200,mystery,,"ap_fixed<16,6>",,resource,io_stream,1,1,1,0,0,0,0
    """

  @Test func designsAreAssembledFromTheirLayers() throws {
    let table = Self.design.replacing("\n    ", with: "\n").split(separator: "\n").filter { !$0.contains("mystery") }
      .joined(separator: "\n")
    let found = try outcomes(HLSReportSchema(.latency), table, target: "vu9p")
    var predicted: [Double] = []
    for case .predicted(_, let value, _, _) in found { predicted.append(value) }
    #expect(predicted.count == 6)
    // Dense: 36 words, 36 steps, 20 cycles; relu: words + 3; convolution: 64·(9 + 4); padding: words + 3.
    #expect(Array(predicted[1...4]) == [92, 39, 832, 67])
    // The report adds what drains behind the convolution; the hardware skips incomplete windows and is faster.
    #expect(predicted[0] > 832 + 92)
    #expect(predicted[5] < predicted[0] + 832)
  }

  @Test func unknownLayersAreNamedAndTakeTheirDesignWithThem() throws {
    let found = try outcomes(HLSReportSchema(.dsp), Self.design.replacing("\n    ", with: "\n"), target: "vu9p")
    var reasons: [String] = []
    for case .skipped(let why, _) in found { reasons.append(why) }
    #expect(reasons.contains { $0.contains("mystery") })
    #expect(reasons.contains { $0.contains("layers of this design") })
    #expect(reasons.contains { $0.contains("no dsp") })
  }

  @Test func hostileCellsAreSkippedNotTrusted() throws {
    for params in ["n_in=-4;n_out=3", "n_in=99999999999999999999;n_out=1", "n_in=;n_out=", "layers", "k=0x0"] {
      let text = "\(Self.header)\na/b,vitis,csynth,p,200,dense,\(params),x,0,resource,io_parallel,1,1,1,1,1,1,1"
      for figure in HLSFigure.allCases {
        for outcome in try outcomes(HLSReportSchema(figure), text, target: "xc7z020") {
          guard case .skipped = outcome else {
            Issue.record("\(params) was predicted")
            continue
          }
        }
      }
    }
  }

  @Test func chainsOfDenseLayers() throws {
    let text = """
      case,tool,stage,part,clock_mhz,layer_type,params,precision,reuse_factor,strategy,io_type,latency_cycles,latency_min,ii,dsp,lut,ff,bram36,rf_effective
      a,vitis,c,unstated (believed xcu250),200,mlp,layers=32-16-8,ap_fixed<8>,32,resource,io_parallel,53,51,53,20,1,1,1,32/16
      """.replacing("\n      ", with: "\n")
    let schema = DenseReportSchema(.latency)
    #expect(schema.device(of: try rows(text)[0]) == "xcu250")
    guard case .predicted(_, let value, _, _) = try outcomes(schema, text, target: "alveo-u250")[0] else {
      Issue.record("not predicted")
      return
    }
    // 32 + 32 is legal for both (2 x 16 inputs), three cycles between and one per layer.
    #expect(value == 32 + 32 + 3 + 2)
  }
}
