import Engine

/// A pipeline as register-transfer Verilog: a counter per stage that waits for words and for space, a pair of counters per FIFO.
///
/// Written from the contract of a FIFO, not from the recurrence of the engine: a word given in cycle `t` can be taken from `t + 1` on, and
/// its place can be used again one cycle after it was taken. A stage whose result appears one cycle later may count on the place its
/// consumer frees in this very cycle; results that take longer go through a delay line, which only hardware with room for them
/// can promise, so that those FIFOs must hold all words (``isSynthesisable``).
struct RTLPipeline {
  let network: DataflowNetwork
  let frames: Int

  /// True when every step that takes two cycles or more writes to FIFOs that can never be full.
  var isSynthesisable: Bool {
    network.stages.indices.allSatisfy { stage in
      let slow = network.stages[stage].frame.contains { $0.step.latency > 1 && $0.step.writes > 0 }
      return !slow || network.outputs(of: stage).allSatisfy { network.fifos[$0].depth >= network.stages[stage].writesPerFrame * frames }
    }
  }

  /// A module `name(clk, cycle, done)` that prints `name frame NUMBER in START`, `… out FINISH`, `name stage NUMBER START END` and `name stuck`.
  func module(_ name: String) -> String {
    let body =
      network.fifos.indices.map(declareFIFO) + network.stages.indices.map(declareStage) + [clocked(name)]
    return """
      module \(name)(input wire clk, input wire [31:0] cycle, output reg done);
      reg [31:0] idle;
      \(body.joined(separator: "\n"))
      endmodule

      """
  }

  private var longestLatency: Int { network.stages.flatMap(\.frame).map(\.step.latency).max() ?? 1 }

  private func declareFIFO(_ fifo: Int) -> String {
    """
    // FIFO \(fifo): words given so far, words that can be seen, words taken; a delay line for words on their way.
    reg [31:0] given\(fifo), seen\(fifo), taken\(fifo);
    reg [31:0] way\(fifo) [0:\(longestLatency)];
    """
  }

  private func declareStage(_ stage: Int) -> String {
    let runs = network.stages[stage].frame
    func select(_ value: (StageStep) -> Int) -> String {
      runs.indices.dropLast().reversed().reduce("32'd\(value(runs[runs.count - 1].step))") {
        "(run\(stage) == \($1) ? 32'd\(value(runs[$1].step)) : \($0))"
      }
    }
    let counts = runs.indices.dropLast().reversed().reduce("32'd\(runs[runs.count - 1].count)") {
      "(run\(stage) == \($1) ? 32'd\(runs[$1].count) : \($0))"
    }
    var conditions = ["frame\(stage) < \(frames)", "cycle >= free\(stage)"]
    for fifo in network.inputs(of: stage) {
      conditions.append("(seen\(fifo) >= taken\(fifo) + reads\(stage) || reads\(stage) == 0)")
      conditions.append("(!first\(stage) || begun\(network.fifos[fifo].producer) > frame\(stage))")
    }
    for fifo in network.outputs(of: stage) {
      let consumer = network.fifos[fifo].consumer
      let now = "(latency\(stage) != 0 && go\(consumer) ? reads\(consumer) : 0)"
      conditions.append(
        "(writes\(stage) == 0 || given\(fifo) + writes\(stage) <= taken\(fifo) + \(now) + \(network.fifos[fifo].depth))")
    }
    return """
      reg [31:0] frame\(stage), run\(stage), index\(stage), free\(stage), begun\(stage), began\(stage), last\(stage);
      wire [31:0] reads\(stage) = \(select(\.reads));
      wire [31:0] writes\(stage) = \(select(\.writes));
      wire [31:0] interval\(stage) = \(select(\.interval));
      wire [31:0] latency\(stage) = \(select(\.latency));
      wire first\(stage) = run\(stage) == 0 && index\(stage) == 0;
      wire lastOfRun\(stage) = index\(stage) + 1 == \(counts);
      wire lastOfFrame\(stage) = lastOfRun\(stage) && run\(stage) == \(runs.count - 1);
      wire [31:0] hold\(stage) = cycle + (interval\(stage) > latency\(stage) ? interval\(stage) : latency\(stage));
      wire [31:0] end\(stage) = !first\(stage) && last\(stage) > hold\(stage) ? last\(stage) : hold\(stage);
      wire go\(stage) = \(conditions.joined(separator: " && "));
      """
  }

  private func clocked(_ name: String) -> String {
    let anything = network.stages.indices.map { "go\($0)" }.joined(separator: " || ")
    let all = network.stages.indices.map { "frame\($0) == \(frames)" }.joined(separator: " && ")
    return """
      integer k;
      initial begin
        done = 0; idle = 0;
      \(network.fifos.indices.map { "  given\($0) = 0; seen\($0) = 0; taken\($0) = 0; for (k = 0; k <= \(longestLatency); k = k + 1) way\($0)[k] = 0;" }.joined(separator: "\n"))
      \(network.stages.indices.map { "  frame\($0) = 0; run\($0) = 0; index\($0) = 0; free\($0) = 0; begun\($0) = 0; began\($0) = 0; last\($0) = 0;" }.joined(separator: "\n"))
      end
      always @(posedge clk) if (!done) begin
        idle <= (\(anything)) ? 0 : idle + 1;
        if (\(all)) done <= 1;
        else if (idle > 200) begin done <= 1; $display("\(name) stuck"); end
      \(network.fifos.indices.map(moveFIFO).joined(separator: "\n"))
      \(network.stages.indices.map { moveStage($0, name) }.joined(separator: "\n"))
      end
      """
  }

  private func moveFIFO(_ fifo: Int) -> String {
    let (from, to) = (network.fifos[fifo].producer, network.fifos[fifo].consumer)
    return """
        seen\(fifo) <= seen\(fifo) + way\(fifo)[0] + (go\(from) && latency\(from) == 0 ? writes\(from) : 0);
        for (k = 0; k < \(longestLatency); k = k + 1)
          way\(fifo)[k] <= way\(fifo)[k + 1] + (go\(from) && latency\(from) == k + 1 ? writes\(from) : 0);
        if (go\(from)) given\(fifo) <= given\(fifo) + writes\(from);
        if (go\(to)) taken\(fifo) <= taken\(fifo) + reads\(to);
      """
  }

  private func moveStage(_ stage: Int, _ name: String) -> String {
    let isSource = network.sources.contains(stage)
    let isSink = network.sinks.contains(stage)
    return """
        if (go\(stage)) begin
          last\(stage) <= end\(stage);
          free\(stage) <= cycle + interval\(stage) + (lastOfFrame\(stage) ? \(network.stages[stage].restart) : 0);
          index\(stage) <= lastOfRun\(stage) ? 0 : index\(stage) + 1;
          if (lastOfRun\(stage)) run\(stage) <= lastOfFrame\(stage) ? 0 : run\(stage) + 1;
          if (first\(stage)) begin
            begun\(stage) <= begun\(stage) + 1; began\(stage) <= cycle;
            \(isSource ? "$display(\"\(name) frame %0d in %0d\", frame\(stage), cycle);" : "")
          end
          if (lastOfFrame\(stage)) begin
            frame\(stage) <= frame\(stage) + 1;
            if (frame\(stage) == 0) $display("\(name) stage \(stage) %0d %0d", first\(stage) ? cycle : began\(stage), end\(stage));
            \(isSink ? "$display(\"\(name) frame %0d out %0d\", frame\(stage), end\(stage));" : "")
          end
        end
      """
  }
}
