#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

enum Logarithm {
  static func base10(_ value: Double) -> Double { log10(value) }
}
