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
  /// Of the target, for messages; empty for a machine made from a description.
  private let file: String

  package init(_ target: TargetFile) throws(Failure) {
    file = target.file
    description = try NPUDescription(target)
    fusion = try Capabilities(target)
  }

  /// A machine made from a description, for studies that vary one number.
  package init(_ description: NPUDescription) {
    self.description = description
    fusion = .none
    file = ""
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
    let (layers, residency) = try lowerNamed(kernels)
    let timings: [LayerTiming]
    switch request.fidelity {
    case .fast: timings = FastSchedule(description).run(layers)
    case .event: timings = EventSchedule(description).run(layers)
    }
    return RunBuilder(
      machine: description, kernels: kernels, layers: layers, timings: timings, residency: residency, request: request
    ).run()
  }

  /// As `lower`, with the file in what goes wrong.
  private func lowerNamed(_ kernels: [Kernel]) throws(Failure) -> (layers: [Layer], residency: Residency) {
    do throws(Failure) { return try lower(kernels) } catch { throw error.located(in: file) }
  }

  /// Kernels to layers: placement of feature maps, tilings, and what has to fall back to the host.
  package func lower(_ kernels: [Kernel]) throws(Failure) -> (layers: [Layer], residency: Residency) {
    let residency: Residency
    do { residency = try Residency(kernels, description) } catch {
      throw Failure(unsupportedFormats(kernels) + [.error(error.description)])
    }
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

  /// Products in formats that the array cannot multiply: their operands may be too large just because of them.
  private func unsupportedFormats(_ kernels: [Kernel]) -> [Diagnostic] {
    var names: [String] = []
    var count = 0
    for kernel in kernels {
      guard case .contraction(let product) = kernel.anchorComputation else { continue }
      let (lhs, rhs) = (product.lhs.storage, product.rhs.storage)
      guard description.format(activations: lhs, weights: rhs, sparsity: product.rhs.encoding.sparsity) == nil else { continue }
      count += 1
      let name = lhs == rhs ? lhs.rawValue : "\(lhs.rawValue)×\(rhs.rawValue)"
      if !names.contains(name) { names.append(name) }
    }
    guard count > 0 else { return [] }
    let known = description.formats.map { "\($0.activations.rawValue)×\($0.weights.rawValue)" }
    return [
      .error(
        "\(description.name) has no <format> for the \(names.joined(separator: ", ")) of \(count) \(count == 1 ? "kernel" : "kernels")",
        fix: "it multiplies \(known.joined(separator: ", ")): leave --precision out or compress the model first")
    ]
  }

  /// Figures that no machine of the kind comes near: a digit too many, or another unit.
  private var implausible: [Diagnostic] {
    var found: [Diagnostic] = []
    func warn(_ condition: Bool, _ message: String) {
      if condition { found.append(Diagnostic(.warning, "\(description.name): \(message)")) }
    }
    warn(description.clockHertz > 5e9, "a clock above 5 GHz")
    let peak = 2 * Double(description.macsPerCycle) * description.clockHertz
    warn(peak > 5e15, "the array would reach \(Format.count(peak))OP/s")
    for memory in description.memories {
      let rate = memory.bytesPerCycle * description.clockHertz
      warn(rate > 1e14, "\(memory.name) would reach \(Format.count(rate))B/s")
    }
    if let capacity = description.near.capacity, description.far != nil {
      warn(capacity > 1 << 30, "\(Format.bytes(Double(capacity))) beside the array")
    }
    return found
  }

  package func lint() -> [Diagnostic] {
    var found = implausible
    if description.formats.isEmpty { found.append(Diagnostic(.warning, "the target names no <format> its array can multiply")) }
    if let capacity = description.near.capacity, let own = description.tileBuffers?.shared, own > capacity {
      found.append(.error("the tile buffers (\(own) bytes) are larger than \(description.near.name) (\(capacity) bytes)"))
    }
    return found
  }
}
