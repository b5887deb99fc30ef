/// Elementary functions on eight floats at once, within a few units in the last place.
///
/// Exponential and hyperbolic tangent follow the reductions and polynomials of Cephes (`expf`, `tanhf`); the error function
/// is its Taylor series near 0 and Abramowitz & Stegun 7.1.26 elsewhere (absolute error below 1.5e-7).
enum VectorMath {
  typealias Lanes = SIMD8<Float>

  @inline(__always)
  static func exp(_ x: Lanes) -> Lanes {
    let clamped = x.clamped(lowerBound: Lanes(repeating: -87), upperBound: Lanes(repeating: 88.75))
    // Adding 1.5·2^23 rounds to the nearest whole number.
    let magic: Float = 12_582_912
    let shifted = clamped * 1.442_695_04 + magic
    let n = shifted - magic
    let r = clamped - n * 0.693_359_375 - n * -2.121_944_4e-4
    var p = r * 1.987_569_15e-4 + 1.398_199_95e-3
    p = p * r + 8.333_451_9e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_55e-1
    p = p * r + 0.5
    let y = p * r * r + r + 1
    // 2^n in two steps: 2^128 has no exponent field.
    let bits = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- unsafeBitCast(Lanes(repeating: magic), to: SIMD8<Int32>.self)
    let power = unsafeBitCast((bits &+ 126) &<< 23, to: Lanes.self)
    var result = y * power * 2
    result.replace(with: 0, where: x .< -87.3)
    result.replace(with: .infinity, where: x .> 88.722_84)
    result.replace(with: x, where: x .!= x)
    return result
  }

  @inline(__always)
  static func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exp(0 - x)) }

  @inline(__always)
  static func tanh(_ x: Lanes) -> Lanes {
    let z = x * x
    var p = z * -5.704_988_7e-3 + 2.063_908_9e-2
    p = p * z - 5.373_971_6e-2
    p = p * z + 1.333_144_2e-1
    p = p * z - 3.333_328e-1
    let small = p * z * x + x
    var large = 1 - 2 / (exp(magnitude(x) * 2) + 1)
    large.replace(with: 0 - large, where: x .< 0)
    large.replace(with: small, where: magnitude(x) .< 0.625)
    return large
  }

  @inline(__always)
  static func erf(_ x: Lanes) -> Lanes {
    let z = x * x
    var p = z * -8.548_327e-4 + 5.223_978e-3
    p = p * z - 2.686_617e-2
    p = p * z + 1.128_379_2e-1
    p = p * z - 3.761_263_9e-1
    let small = (p * z + 1.128_379_2) * x
    let t = 1 / (magnitude(x) * 0.327_591_1 + 1)
    var q = t * 1.061_405_4 - 1.453_152
    q = q * t + 1.421_413_7
    q = q * t - 0.284_496_74
    q = q * t + 0.254_829_6
    var large = 1 - q * t * exp(0 - z)
    large.replace(with: 0 - large, where: x .< 0)
    large.replace(with: small, where: magnitude(x) .< 0.5)
    return large
  }

  @inline(__always)
  private static func magnitude(_ x: Lanes) -> Lanes { x.replacing(with: 0 - x, where: x .< 0) }
}
