/// Waves, as whole ones and as a stream that ends with a tail.
enum Waves {
  /// Time of `waves` waves of equal blocks in waves: below `whole` all blocks of one end together; beyond, their ends have spread
  /// and half a wave of tail is left.
  static func time(_ waves: Double, whole: Double) -> Double { waves < whole ? waves.rounded(.up) : waves + 0.5 }
}
