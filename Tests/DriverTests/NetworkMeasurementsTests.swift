import Foundation
import Hardware
import Testing

@testable import Driver

/// Tables that name networks, against predictions of the files they name.
struct NetworkMeasurementsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let catalog = TargetCatalog(folder: root.appending(path: "targets").path)

  private func run(_ table: String, models: [String] = []) throws -> Validation {
    let file = FileManager.default.temporaryDirectory.appending(path: "networks-\(UUID().uuidString).csv")
    try table.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    return try Validation.run(files: [file.path], options: .init(catalog: Self.catalog, models: models))
  }

  @Test(arguments: [
    ("mobilenet_v2_1.0_224_food101", "stm32n6", "mobilenet-v2-food101"),
    ("mobilenet_v1_0.25_224_food101", "stm32n6", "mobilenet-v1-0.25-food101"),
    ("mobilenet_v1_1.0_224_food101", "stm32n6", "mobilenet-v1-food101"), ("mobilenet_v1_224", "edge-tpu-usb", "mobilenet-v1"),
    ("resnet50_224_bs2", "jetson-orin-dla", "resnet-50"), ("MLP0", "tpu-v1", "tpu-v1-mlp0"),
    ("ssd_mobilenetv1_300_bs2", "jetson-orin-dla", "ssd-mobilenet-v1"), ("inception_v1_224", "edge-tpu-usb", "inception-v1"),
  ])
  func networksAreFoundByTheirWords(_ network: String, _ machine: String, _ stem: String) throws {
    let path = try #require(NetworkModels(folders: []).paths(for: network, machine: machine).first)
    #expect(path.hasSuffix("/\(stem).cwg"))
  }

  /// A word that says which network it is must not be dropped.
  @Test(arguments: ["ssd_mobilenetv2_300_bs2", "inceptionv3_299", "pretrainedResnet_large_int8", "resnet_50_deep", "224"])
  func otherNetworksAreNotTakenForTheirs(_ network: String) {
    #expect(NetworkModels(folders: []).paths(for: network, machine: "edge-tpu-usb").isEmpty)
  }

  @Test func totalsAndOperationsArePredicted() throws {
    let table = """
      case,config,layer,op,params,cycles,stall_cycles,util,dram_bytes,source
      tpu-v1-mlp0,tpu-v1,TOTAL,network,array_active=12.7,,,,,x
      tpu-v1-mlp0,tpu-v1,0,FullyConnected/FullyConnected,macs=800000000,96000,,,,x
      tpu-v1-mlp0,tpu-v1,1,Softmax/MaxPool,macs=0,10,,,,x
      resnet50_224_bs2,Orin DLA,TOTAL,network,fps_2dla=2037,,,,,x
      unheard_of_net,tpu-v1,TOTAL,network,latency_ms=1,,,,,x
      resnet50_int8,NVDLA 2048MAC convbuf=512KB dram=20GB/s 1GHz,TOTAL,network,fps=269,3717472,,,,x
      """
    let validation = try run(table)
    let rows = validation.tables[0].predictions[0].rows
    #expect(abs((rows[0].predicted ?? 0) - 13.4) < 0.3)
    #expect(rows[1].measured == 96000)
    #expect(abs((rows[1].predicted ?? 0) - 96000) < 2000)
    #expect(rows[2].predicted == nil)
    #expect(rows[2].why.contains("Softmax/MaxPool"))
    #expect((1500...2600).contains(rows[3].predicted ?? 0))
    #expect(rows[4].predicted == nil)
    #expect(rows[4].why.contains("unheard_of_net"))
    // The name of a device may look like a path.
    #expect(abs((rows[5].predicted ?? 0) - 3_717_472) < 200_000)
    #expect(validation.overall.skipped == 2)
  }

  @Test func summariesOfTheCompilerArePredicted() throws {
    let table = """
      model,accelerator,system_config,memory_mode,clock_hz,cycles_total
      resnet_18,Ethos_U55_128,Ethos_U55_High_End_Embedded,Shared_Sram,500000000.0,10000000
      kws_nowhere,Ethos_U55_128,Ethos_U55_High_End_Embedded,Shared_Sram,500000000.0,90000
      """
    let rows = try run(table).tables[0].predictions[0].rows
    #expect(rows[0].predicted ?? 0 > 1_000_000)
    #expect(rows[1].why.contains("kws_nowhere"))
  }
}
