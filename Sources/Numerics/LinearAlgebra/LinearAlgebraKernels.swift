internal import Foundation

/// Which of OpenBLAS's kernels run.
///
/// A release of OpenBLAS older than the processor does not know its model number and falls back to kernels of 128-bit
/// vectors, a fifth of the speed. The instruction sets are what counts: where the fallback was taken and wider vectors are
/// there, the family that has them is chosen. The variable OPENBLAS_CORETYPE, when set, wins.
enum LinearAlgebraKernels {
  private typealias Setup = @convention(c) () -> Void

  /// The widest family whose instructions all are among `flags`, by the library's name for it; nil when there is none.
  static func widest(_ flags: Set<Substring>) -> String? {
    let haswell: Set<Substring> = ["avx2", "fma"]
    let skylake = haswell.union(["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"])
    return skylake.isSubset(of: flags) ? "SkylakeX" : haswell.isSubset(of: flags) ? "Haswell" : nil
  }

  static func chooseWidest() {
    typealias Text = @convention(c) () -> UnsafePointer<CChar>?
    guard getenv("OPENBLAS_CORETYPE") == nil, let coreName = LinearAlgebraLibrary.find("openblas_get_corename", as: Text.self),
      let name = coreName(), String(cString: name) == "Prescott", let core = widest(processorFlags()),
      // Only a library with kernels for several processors has these.
      let start = LinearAlgebraLibrary.find("gotoblas_dynamic_init", as: Setup.self),
      let stop = LinearAlgebraLibrary.find("gotoblas_dynamic_quit", as: Setup.self)
    else { return }
    setenv("OPENBLAS_CORETYPE", core, 1)
    stop()
    start()
    unsetenv("OPENBLAS_CORETYPE")
  }

  private static func processorFlags() -> Set<Substring> {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return [] }
    return Set(line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" }))
  }
}
