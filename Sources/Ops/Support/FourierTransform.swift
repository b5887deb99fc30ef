internal import Foundation

/// The discrete Fourier transform of one complex line: by halves while the length is even, by its definition otherwise.
struct FourierTransform {
  /// cos and sin of 2πk/n, with the sign of the direction.
  private let cosines: [Double]
  private let sines: [Double]
  private let length: Int

  init(length: Int, isInverse: Bool) {
    self.length = length
    let angle = (isInverse ? 2 : -2) * Double.pi / Double(max(1, length))
    cosines = (0..<length).map { Foundation.cos(angle * Double($0)) }
    sines = (0..<length).map { Foundation.sin(angle * Double($0)) }
  }

  /// Unscaled in both directions.
  func callAsFunction(_ real: [Double], _ imaginary: [Double]) -> (real: [Double], imaginary: [Double]) {
    transform(real, imaginary, step: 1)
  }

  private func transform(_ real: [Double], _ imaginary: [Double], step: Int) -> (real: [Double], imaginary: [Double]) {
    let n = real.count
    var result = (real: [Double](repeating: 0, count: n), imaginary: [Double](repeating: 0, count: n))
    guard n % 2 == 0, n > 2 else {
      for k in 0..<n {
        for t in 0..<n {
          let turn = k * t % n * step
          result.real[k] += real[t] * cosines[turn] - imaginary[t] * sines[turn]
          result.imaginary[k] += real[t] * sines[turn] + imaginary[t] * cosines[turn]
        }
      }
      return result
    }
    func half(_ values: [Double], from start: Int) -> [Double] { stride(from: start, to: n, by: 2).map { values[$0] } }
    let even = transform(half(real, from: 0), half(imaginary, from: 0), step: step * 2)
    let odd = transform(half(real, from: 1), half(imaginary, from: 1), step: step * 2)
    for k in 0..<(n / 2) {
      let (c, s) = (cosines[k * step], sines[k * step])
      let turned = (odd.real[k] * c - odd.imaginary[k] * s, odd.real[k] * s + odd.imaginary[k] * c)
      (result.real[k], result.imaginary[k]) = (even.real[k] + turned.0, even.imaginary[k] + turned.1)
      (result.real[k + n / 2], result.imaginary[k + n / 2]) = (even.real[k] - turned.0, even.imaginary[k] - turned.1)
    }
    return result
  }

  /// Arithmetic per transformed element: 5·log2(n), the count of a radix-2 transform.
  static func cost(_ length: Int) -> Int { 5 * max(1, Int.bitWidth - max(1, length - 1).leadingZeroBitCount) }
}
