import Testing

@testable import Numerics

@Suite("Kernels of the linear algebra library")
struct LinearAlgebraKernelsTests {
  @Test func theWidestFamilyWithAllItsInstructionsIsChosen() {
    let haswell: Set<Substring> = ["sse2", "avx", "avx2", "fma"]
    let skylake = haswell.union(["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"])
    #expect(LinearAlgebraKernels.widest(skylake) == "SkylakeX")
    #expect(LinearAlgebraKernels.widest(skylake.subtracting(["avx512dq"])) == "Haswell")
    #expect(LinearAlgebraKernels.widest(haswell.subtracting(["fma"])) == nil)
    #expect(LinearAlgebraKernels.widest([]) == nil)
  }
}
