package import Basic
package import Hardware
package import IR
package import Lowering
package import Results

/// A Tensor Core GPU: one stream of kernels, replayed as a graph.
package struct GPU: Machine {
  package static let family = "gpu"

  package let description: GPUDescription
  private let coster: KernelCoster

  package init(_ target: TargetFile) throws(Failure) {
    description = try GPUDescription(target)
    guard let streaming = description.streaming else {
      throw Failure("<gpu> lacks <streaming>: elementwise kernels cannot be timed", at: target.root.location)
    }
    coster = KernelCoster(description, streaming)
  }

  package var capabilities: Capabilities {
    var formats = Set(description.instructions.flatMap(\.formats).map(\.rawValue))
    formats.formUnion(description.gemm.paths.flatMap { $0.activations + $0.weights }.map(\.rawValue))
    return Capabilities(
      epilogueFunctions: ["*"], fusesAttention: !description.attention.isEmpty, maximumHeadDimension: 256,
      contractionTypes: formats, sparsities: Set(description.instructions.map(\.sparsity)).subtracting([""]))
  }

  /// 16 bits on tensor cores: bfloat16 where the file has it, float16 before, float32 without tensor cores.
  package var defaultPrecision: ElementType {
    let formats = Set(description.instructions.filter { $0.feed != .cores }.flatMap(\.formats))
    if formats.contains(.bfloat16) { return .bfloat16 }
    return formats.contains(.float16) ? .float16 : .float32
  }

  package func run(_ kernels: [Kernel], _ request: RunRequest) throws(Failure) -> MachineRun {
    var costs: [GPUKernelCost] = []
    var failures: [Diagnostic] = []
    for kernel in kernels {
      do throws(Failure) { costs.append(try coster.cost(kernel)) } catch { failures += error.diagnostics }
    }
    guard failures.isEmpty else { throw Failure(failures) }
    return GPUStream(kernels: kernels, costs: costs, gpu: description).run()
  }
}
