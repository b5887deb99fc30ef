internal import Results

/// Time of one kernel of the stream, with why.
struct GPUKernelCost {
  var seconds: Double
  /// Bytes that must move and arithmetic that must happen, at pin and peak rates.
  var floorSeconds: Double
  /// Share of the floor that is arithmetic, for the floor of the whole run.
  var computeFloorSeconds: Double
  var bound: Bound
  var reason: String
  var choice: String
  var format: String
  var deviceBytes: Double
  var cacheBytes: Double
  /// Nil when the file states no energy.
  var energy: Double?
  var isOpaque = false
  var notes: [String] = []
  /// Parts of the time and other figures, by name.
  var figures: [String: Double] = [:]
}
