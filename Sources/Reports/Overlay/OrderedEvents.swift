internal import Basic
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Profiles that are JSON lists: TensorRT's layer times and onnxruntime's trace events.
enum OrderedEvents {
  private struct Event: Decodable {
    // trtexec --exportProfile
    var averageMs: Double?
    var count: Double?
    // onnxruntime
    var cat: String?
    var name: String?
    var dur: Double?
  }

  static func profile(_ bytes: [UInt8], file: String) throws(Failure) -> MeasuredProfile {
    let events: [Event]
    do {
      events = try JSONDecoder().decode([Event].self, from: Data(bytes))
    } catch {
      throw Failure("not a profile: \(JSONReport.message(of: error))", at: SourceLocation(file: file))
    }
    let isTensorRT = events.contains { $0.averageMs != nil }
    let profile = isTensorRT ? tensorRT(events) : onnxRuntime(events)
    guard !profile.layers.isEmpty else {
      throw Failure(
        "no layer with a time in it", at: SourceLocation(file: file),
        fix: "expected averageMs of trtexec --exportProfile or Node events of onnxruntime")
    }
    if let bad = profile.layers.first(where: { !(($0.seconds ?? 0).isFinite && ($0.seconds ?? 0) >= 0) }) {
      throw Failure("layer '\(bad.name)' has a time below zero", at: SourceLocation(file: file))
    }
    return profile
  }

  private static func tensorRT(_ events: [Event]) -> MeasuredProfile {
    let layers = events.compactMap { event -> MeasuredProfile.Layer? in
      guard let name = event.name, let milliseconds = event.averageMs else { return nil }
      var layer = TensorRTProfile.layer(named: name)
      layer.seconds = milliseconds * 1e-3
      return layer
    }
    return MeasuredProfile(tool: .tensorRT, layers: layers)
  }

  /// Kernel times of every node over all runs, divided by the number of runs.
  private static func onnxRuntime(_ events: [Event]) -> MeasuredProfile {
    let runs = max(1, events.count { $0.cat == "Session" && $0.name == "model_run" })
    var order: [String] = []
    var microseconds: [String: Double] = [:]
    for event in events where event.cat == "Node" {
      guard let name = event.name, name.hasSuffix("_kernel_time"), let duration = event.dur else { continue }
      let node = String(name.dropLast("_kernel_time".count))
      if microseconds[node] == nil { order.append(node) }
      microseconds[node, default: 0] += duration
    }
    let layers = order.map {
      MeasuredProfile.Layer(name: $0, sources: [$0], seconds: (microseconds[$0] ?? 0) * 1e-6 / Double(runs))
    }
    return MeasuredProfile(tool: .onnxRuntime, layers: layers)
  }
}
