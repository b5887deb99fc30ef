package import Basic
package import Hardware
package import IR
package import Lowering
package import Results

/// The tiled-accelerator family: arrays fed from scratchpads, with weights and feature maps that stay on chip when they fit.
package struct NPU: Machine {
  package static let family = "npu"

  package let description: NPUDescription

  private let fusion: Capabilities

  package init(_ target: TargetFile) throws(Failure) {
    description = try NPUDescription(target)
    fusion = try Capabilities(target)
  }

  /// A machine made from a description, for studies that vary one number.
  package init(_ description: NPUDescription) {
    self.description = description
    fusion = .none
  }

  package var defaultPrecision: ElementType { description.precision }

  package var capabilities: Capabilities {
    let activations = description.vector.activations
    let fused =
      activations.contains { $0.functions.isEmpty } ? ["*"] : activations.reduce(into: Set<String>()) { $0.formUnion($1.functions) }
    var result = fusion
    result.epilogueFunctions = fused
    result.fusesResidual = description.policy.fusesResidual
    result.contractionTypes = Set(description.formats.map(\.weights.rawValue))
    result.contractionMultiple = max(description.array.inputLanes, description.array.outputLanes)
    result.weightPalette = description.weightCode.paletteSize
    result.sparsities = Set(description.formats.compactMap(\.sparsity?.ratio))
    return result
  }

  package func run(_ kernels: [Kernel], _ request: RunRequest) throws(Failure) -> MachineRun {
    let kernels = FeatureMapFormat.unified(kernels)
    let (layers, residency) = try lower(kernels)
    let timings: [LayerTiming]
    switch request.fidelity {
    case .fast: timings = FastSchedule(description).run(layers)
    case .event: timings = EventSchedule(description).run(layers)
    }
    return RunBuilder(
      machine: description, kernels: kernels, layers: layers, timings: timings, residency: residency, request: request
    ).run()
  }

  /// Kernels to layers: placement of feature maps, tilings, and what has to fall back to the host.
  package func lower(_ kernels: [Kernel]) throws(Failure) -> (layers: [Layer], residency: Residency) {
    let residency: Residency
    do { residency = try Residency(kernels, description) } catch { throw Failure(error.description) }
    var builder = LayerBuilder(description, residency, kernels: kernels)
    var layers: [Layer] = []
    var problems: [Diagnostic] = []
    for (index, kernel) in kernels.enumerated() {
      do {
        let layer = try builder.layer(kernel, at: index)
        if layer.place == .host, description.host == nil {
          problems.append(.error("'\(kernel.name)' has no unit on \(description.name), and the target describes no <host> to fall back to"))
        }
        layers.append(layer)
      } catch {
        problems.append(.error(error.description))
      }
    }
    guard problems.isEmpty else { throw Failure(problems) }
    description.instructions?.add(to: &layers, kernels, on: description.placement.weights)
    return (layers, residency)
  }

  package func lint() -> [Diagnostic] {
    var found: [Diagnostic] = []
    if description.formats.isEmpty { found.append(Diagnostic(.warning, "the target names no <format> its array can multiply")) }
    if let capacity = description.near.capacity, let own = description.tileBuffers?.shared, own > capacity {
      found.append(.error("the tile buffers (\(own) bytes) are larger than \(description.near.name) (\(capacity) bytes)"))
    }
    return found
  }
}
