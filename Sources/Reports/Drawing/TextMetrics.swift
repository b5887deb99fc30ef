/// Widths of text set in DejaVu Sans, the widest of the usual sans-serif fonts: what fits here fits everywhere.
enum TextMetrics {
  /// Advance widths of the characters U+0020…U+007E in thousandths of the font size, from DejaVu Sans 2.37's `hmtx` table.
  private static let advances: [Int] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636,
    636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748,
    787,
    603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,
    635,
    634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
  ]
  /// Any other character is taken as one em wide, which holds for CJK too.
  private static let widest = 1000
  /// DejaVu Sans Bold is a tenth wider.
  private static let boldFactor = 1.11

  static func width(_ text: some StringProtocol, size: Double, isBold: Bool = false) -> Double {
    var thousandths = 0
    for scalar in text.unicodeScalars {
      let index = Int(scalar.value) - 32
      thousandths +=
        advances.indices.contains(index) ? advances[index] : scalar == "·" ? 318 : scalar == "µ" ? 636 : widest
    }
    return Double(thousandths) / 1000 * size * (isBold ? boldFactor : 1)
  }

  /// The text if it fits, else both its ends around an ellipsis; nil when fewer than three characters would be left.
  static func fit(_ text: String, width available: Double, size: Double, isBold: Bool = false) -> String? {
    if width(text, size: size, isBold: isBold) <= available { return text }
    var low = 0
    var high = min(text.count, 400)
    while low < high {
      let middle = (low + high + 1) / 2
      if width(Markup.shortened(text, to: middle), size: size, isBold: isBold) <= available, middle < text.count {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return low >= 4 ? Markup.shortened(text, to: low) : nil
  }
}
