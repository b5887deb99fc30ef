package import Engine

/// Frame schedules of the stages of a stream pipeline, one word per pixel.
package enum StreamSchedule {
  /// A sliding window over `layer`'s input: a word that completes a window costs `window` cycles and gives a word,
  /// any other costs `skip`.
  package static func window(_ layer: LayerSpec, window: Int, skip: Int, latency: Int) -> [StageRun] {
    let give = StageStep(reads: 1, writes: 1, interval: window, latency: latency)
    let take = StageStep(reads: 1, writes: 0, interval: skip, latency: skip)
    var runs: [StageRun] = []
    let columns = completed(
      layer.width, kernel: (layer.kernelWidth - 1) * layer.dilationWidth + 1, stride: layer.strideWidth,
      count: layer.outputWidth)
    let rows = completed(
      layer.height, kernel: (layer.kernelHeight - 1) * layer.dilationHeight + 1, stride: layer.strideHeight,
      count: layer.outputHeight)
    var windowRow: [StageRun] = []
    for column in columns { append(&windowRow, column ? give : take, 1) }
    for row in rows {
      if row { for run in windowRow { append(&runs, run.step, run.count) } } else { append(&runs, take, layer.width) }
    }
    return runs
  }

  /// Positions along one axis at which a window ends.
  private static func completed(_ extent: Int, kernel: Int, stride: Int, count: Int) -> [Bool] {
    var result = [Bool](repeating: false, count: max(0, extent))
    for index in 0..<count {
      let end = index * max(1, stride) + kernel - 1
      if result.indices.contains(end) { result[end] = true }
    }
    return result
  }

  /// One word in, one word out.
  package static func elementwise(_ words: Int, interval: Int = 1, depth: Int) -> [StageRun] {
    [StageRun(StageStep(reads: 1, writes: 1, interval: interval, latency: depth), count: words)]
  }

  /// All words in, then one word out after `tail` more cycles.
  package static func gather(_ words: Int, interval: Int = 1, tail: Int) -> [StageRun] {
    [
      StageRun(StageStep(reads: 1, writes: 0, interval: interval, latency: interval), count: words - 1),
      StageRun(StageStep(reads: 1, writes: 1, interval: interval + tail, latency: interval + tail), count: 1),
    ]
  }

  /// All words in, then all words out.
  package static func reorder(reads: Int, writes: Int) -> [StageRun] {
    [
      StageRun(StageStep(reads: 1, writes: 0, interval: 1, latency: 1), count: reads),
      StageRun(StageStep(reads: 0, writes: 1, interval: 1, latency: 1), count: writes),
    ]
  }

  /// Every word in becomes `copies` words out.
  package static func expand(_ words: Int, copies: Int) -> [StageRun] {
    [StageRun(StageStep(reads: 1, writes: copies, interval: max(1, copies), latency: max(1, copies)), count: words)]
  }

  /// Zero padding: border words cost one cycle, copied ones `copy`; every copied row costs `row` cycles more and the frame
  /// `loops`.
  package static func padding(
    _ layer: LayerSpec, copy: Int, row: Int, loops: Int, depth: Int
  ) -> [StageRun] {
    let border = StageStep(reads: 0, writes: 1, interval: 1, latency: depth)
    let copied = StageStep(reads: 1, writes: 1, interval: copy, latency: depth)
    let bottom = layer.outputHeight - layer.height - layer.padTop
    let right = layer.outputWidth - layer.width - layer.padLeft
    var runs: [StageRun] = []
    append(&runs, border, layer.padTop * layer.outputWidth)
    for _ in 0..<layer.height {
      append(&runs, border, layer.padLeft)
      append(&runs, copied, layer.width - 1)
      append(&runs, StageStep(reads: 1, writes: 1, interval: copy + row, latency: depth), 1)
      append(&runs, border, right)
    }
    append(&runs, border, bottom * layer.outputWidth)
    if loops > 0 { append(&runs, StageStep(reads: 0, writes: 0, interval: loops, latency: depth), 1) }
    return runs
  }

  private static func append(_ runs: inout [StageRun], _ step: StageStep, _ count: Int) {
    guard count > 0 else { return }
    if let last = runs.last, last.step == step {
      runs[runs.count - 1].count += count
    } else {
      runs.append(StageRun(step, count: count))
    }
  }
}
