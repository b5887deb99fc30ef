import Foundation
import Testing

@testable import Driver

/// Tables with cells that no measurement has: rows are skipped by name, and nothing overflows.
@Suite struct HostileMeasurementsTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    var header: String
    var row: String
    var testDescription: String { header }

    init(_ header: String, _ row: String) { (self.header, self.row) = (header, row) }

    var columns: [String] { header.split(separator: ",").map(String.init) }
    var cells: [String] { row.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  static let samples = [
    Sample("gpu,dtype,op,batch,m,n,k,latency_us,source,lib", "A100-SXM4-80GB,bf16,linear,1,4096,4096,4096,560,aiconfigurator,vllm"),
    Sample(
      "gpu,dtype,n,c,h,w,k,r,s,pad_h,pad_w,stride_h,stride_w,latency_us", "V100-SXM2-16GB,fp32,8,256,28,28,512,3,3,1,1,1,1,716"),
    Sample("gpu,dtype,n,c,h,w,k,r,s,pad_h,pad_w,stride_h,stride_w,latency_us", "V100-SXM2-16GB,fp32,8,64,28,28,64,5,5,2,2,1,1,716"),
    Sample("gpu,dtype,kind,m,n,k,dense_us,sparse_us,speedup,lib", "A100-SXM4-80GB,fp16,gemm,4096,768,768,121,89,1.35,cuSPARSELt"),
    Sample(
      "gpu,dtype,kv_dtype,phase,causal,batch,q_len,kv_len,heads,kv_heads,head_dim,window,latency_us,source,lib",
      "A100-SXM4-80GB,bf16,bf16,prefill,1,4,1228,1228,96,2,128,100,1540,x,trtllm-1.0.0"),
    Sample(
      "gpu,dtype,kv_dtype,phase,causal,batch,q_len,kv_len,heads,kv_heads,head_dim,window,latency_us,source,lib",
      "A100-SXM4-80GB,bf16,bf16,decode,1,4,1,12288,96,2,128,0,100,x,trtllm-1.0.0"),
    Sample("gpu,dtype,op,rows,cols,latency_us,source,note", "A100-SXM4-80GB,fp16,softmax,30720,8192,883,vidur,x"),
    Sample(
      "gpu,dtype,tokens,hidden,inter,topk,experts,tp,ep,distribution,latency_us",
      "A100-SXM4-80GB,bf16,4096,4096,1536,8,128,1,1,power_law_1.2,10657"),
    Sample("gpu,op,dtype,num_gpus,elements,latency_us", "A100-SXM4-80GB,all_reduce,half,8,1048576,90"),
    Sample("case,config,layer,op,params,cycles", "g,array=16x16;df=ws,l,GEMM,M=32;N=32;K=32,311"),
    Sample(
      "model,target,precision,batch,seq,latency_ms,past", "tpu-v1-mlp0,nvidia-t4,fp16,1,1,1.5,0"),
    Sample(
      "case,tool,stage,part,clock_mhz,layer_type,params,precision,reuse_factor,strategy,io_type,latency_cycles,latency_min,ii,dsp,lut,ff,bram18",
      "toy/line_buffer/resource/dense_config9,vivado,csynth,xcvu9p,200,dense,n_in=144;n_out=4,ap_fixed<16>,36,resource,io_stream,92,91,92,16,1,1,8"
    ),
    Sample(
      "case,tool,stage,part,clock_mhz,layer_type,params,precision,reuse_factor,strategy,io_type,latency_cycles,latency_min,ii,dsp,lut,ff,bram36,rf_effective",
      "a,vitis,c,xcu250,200,mlp,layers=32-16-8,ap_fixed<8>,32,resource,io_parallel,53,51,53,20,1,1,1,32/16"),
    Sample("case,board,layer_type,params,reuse_factor,latency_us,energy_uj_per_inf", "a,pynq-z2,mlp,layers=64-72-8;w=12b,144,18.7,30"),
    Sample(
      "case,tool,family,primitive,a_bits,b_bits,depth,width,option,lut,dsp,ff,carry,ramb18,ramb36,uram,lutram",
      "m,yosys,xc7,ram,,,1024,18,default,0,0,0,0,1,0,0,0"),
    Sample(
      "case,tool,family,primitive,a_bits,b_bits,depth,width,option,lut,dsp,ff,carry,ramb18,ramb36,uram,lutram",
      "m,yosys,xc7,mul,18,18,,,default,0,1,0,0,0,0,0,0"),
    Sample(
      "model,accelerator,system_config,memory_mode,clock_hz,cycles_total",
      "tpu-v1-mlp0,Ethos_U55_128,Ethos_U55_High_End_Embedded,Shared_Sram,500000000.0,89900"),
  ]

  static let cells = [
    "", "x", "nan", "inf", "-inf", "-1", "0", "-9223372036854775808", "1.5", "1e308", "9e18", "9223372036854775807",
    "99999999999999999999", "16777217",
  ]
  /// Columns that name a machine: every other text in them is one more search of the targets.
  private static let machines: Set = [
    "gpu", "part", "board", "family", "target", "accelerator", "system_config", "memory_mode", "clock_hz", "config",
  ]
  private static let catalog = PredictionTests.catalog

  private func run(_ rows: [String], header: String, event: Bool = false) throws -> Validation {
    let file = FileManager.default.temporaryDirectory.appending(path: "hostile-\(UUID().uuidString).csv")
    try ([header] + rows).joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    return try Validation.run(files: [file.path], options: .init(catalog: Self.catalog, fidelity: event ? .event : .fast))
  }

  /// Every cell of a good row in turn holds every hostile text; whatever is still predicted is a number.
  @Test(arguments: samples.map { ($0, false) } + samples.prefix(4).map { ($0, true) })
  func nothingOverflows(_ sample: Sample, _ event: Bool) throws {
    var rows = [sample.row]
    for (column, name) in sample.columns.enumerated() {
      for cell in Self.machines.contains(name) ? ["9e18"] : Self.cells {
        var cells = sample.cells
        cells[column] = cell
        rows.append(cells.joined(separator: ","))
      }
    }
    let validation = try run(rows, header: sample.header, event: event)
    let predictions = validation.tables[0].predictions
    #expect(predictions.contains { $0.rows[0].predicted != nil }, "\(predictions.map(\.rows[0].why))")
    for (column, rows) in predictions {
      for row in rows {
        if let predicted = row.predicted { #expect(predicted.isFinite && predicted >= 0, "\(column) of line \(row.line)") }
        if let measured = row.measured { #expect(measured.isFinite && measured >= 0, "\(column) of line \(row.line)") }
        #expect(row.predicted != nil || !row.why.isEmpty)
      }
    }
    for group in validation.groups { #expect(group.statistics.mape.isFinite && group.statistics.bias.isFinite) }
  }

  /// All extents at once at the limit of a cell, where only their product is too large.
  @Test(arguments: samples, ["9e18", "9223372036854775807", "16777216", "4000000000"])
  func productsAreBounded(_ sample: Sample, _ cell: String) throws {
    let cells = zip(sample.columns, sample.cells).map { column, old in
      Double(old) == nil || column.hasPrefix("latency") || column == "cycles" || column == "speedup" ? old : cell
    }
    // The same inside of `M=32;N=32`.
    let params = sample.cells.map { $0.replacing(/=[0-9]+/, with: "=\(cell)") }
    let validation = try run([cells.joined(separator: ","), params.joined(separator: ",")], header: sample.header, event: true)
    for (_, rows) in validation.tables[0].predictions {
      for row in rows { if let predicted = row.predicted { #expect(predicted.isFinite) } }
    }
  }

  @Test(arguments: [
    ("array=4000000000000000000x4000000000000000000;df=ws", "M=32;N=32;K=32", "spells no array"),
    ("array=16x16;df=ws", "M=9000000000000000000;N=32;K=32", "2^48"), ("array=16x16;df=os", "M=16777216;N=16777216;K=16777216", "2^48"),
    ("array=16x16;df=is", "ih=9223372036854775807;iw=8;kh=3;c=3;f=8;s=9223372036854775807", "2^48"),
    ("array=16x16;df=is", "ih=8;iw=8;kh=3;c=3;f=8;s=9223372036854775807", "2^48"),
  ])
  func arraysAndLayersAreBounded(_ config: String, _ params: String, _ reason: String) throws {
    let validation = try run(["g,\(config),l,GEMM,\(params),311"], header: "case,config,layer,op,params,cycles")
    #expect(validation.overall.skipped == 1)
    #expect(validation.skips.first?.why.contains(reason) == true, "\(validation.skips)")
  }

  @Test(arguments: ["9e18,3,224,224,64,7,7,3,3,2,2", "16777216,1,16777216,16777216,1,1,1,0,0,1,1", "1,1,8,8,1,3,3,9e18,0,1,1"])
  func convolutionsAreBounded(_ extents: String) throws {
    let header = "gpu,dtype,n,c,h,w,k,r,s,pad_h,pad_w,stride_h,stride_w,latency_us"
    let validation = try run(["V100-SXM2-16GB,fp32,\(extents),700"], header: header)
    #expect(validation.skips.first?.why.contains("2^48") == true, "\(validation.skips)")
  }

  @Test(arguments: ["9000000000000000000", "16777216", "9e18"]) func productsOfEventsAreBounded(_ extent: String) throws {
    let validation = try run(
      ["A100-SXM4-80GB,bf16,linear,1,\(extent),\(extent),\(extent),560"], header: "gpu,dtype,op,batch,m,n,k,latency_us", event: true)
    #expect(validation.skips.first?.why.contains("2^") == true, "\(validation.skips)")
  }

  @Test(arguments: ["-5", "nan", "0", "inf", ""]) func aLatencyIsAPositiveNumber(_ latency: String) throws {
    for sample in Self.samples where sample.columns.contains("latency_us") {
      var cells = sample.cells
      cells[try #require(sample.columns.firstIndex(of: "latency_us"))] = latency
      let validation = try run([cells.joined(separator: ",")], header: sample.header)
      let found = try #require(validation.tables[0].predictions.first { $0.measuredColumn == "latency_us" }?.rows.first)
      #expect(found.predicted == nil && found.why == "latency_us is not a positive number", "\(sample.header)")
      #expect(validation.overall.mape.isFinite)
    }
  }
}
