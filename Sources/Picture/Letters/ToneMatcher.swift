/// Characters as grey tones on the default ground, for terminals with few colours: the character whose ink lies most like
/// the light in the tile, in the nearest of the colours there are.
struct ToneMatcher: CellMatcher {
  let usesBlocks = false
  let seesHalvesOnly = false
  private let depth: ColorDepth
  private let letters = LetterSet(normalized: false)
  private let tile = Storage<Float>(repeating: 0, count: LetterShapes.samples)
  /// What each shape costs by itself.
  private let costs: [Float]
  /// How much more the mean of a cell counts than where in it the light lies: from a distance only the mean is left.
  private static let meanWeight: Float = 8
  /// Coverage that stands for full white: that of the densest character.
  private let white: Float

  init(depth: ColorDepth) {
    self.depth = depth
    let samples = Float(LetterShapes.samples)
    costs = zip(letters.means, letters.variances).map { $1 + $0 * $0 * samples * (1 + Self.meanWeight) }
    white = letters.means.max() ?? 1
  }

  func match(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, column: Int, row: Int) -> CellLook {
    let mean = LetterSet.reduce(luma, into: tile.pointer)
    let ink = ink(luma: luma, chroma: chroma, mean: mean)
    // Black is no coverage, the ink's own luma as much as there is.
    let scale = white / (Float(ink.color.y) - 16)
    var total: Float = 0
    for sample in 0..<LetterShapes.samples {
      tile.pointer[sample] = max(0, tile.pointer[sample] - 16) * scale
      total += tile.pointer[sample]
    }
    // Least squares: what is left of |tile - shape|^2 + weight * samples * (difference of means)^2 without the tile's own.
    let products = letters.products(tile.pointer)
    var best = 0
    var score = -Float.infinity
    for letter in 0..<letters.characters.count {
      let value = 2 * (products[letter] + Self.meanWeight * total * letters.means[letter]) - costs[letter]
      guard value > score else { continue }
      score = value
      best = letter
    }
    if best == 0 { return CellLook(glyph: .space, foreground: .standardForeground, background: .standardBackground) }
    return CellLook(glyph: Glyph(ascii: letters.characters[best]), foreground: ink.pen, background: .standardBackground)
  }

  /// The pen whose mixtures with black come nearest to the tile's colour.
  private func ink(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, mean: Float) -> (color: Color, pen: Pen)
  {
    guard depth != .mono else { return (Color(y: 235, u: 128, v: 128), .standardForeground) }
    let tint = HalfMatcher.colors(luma: luma, chroma: chroma)
    let y = mean - 16
    let u = (Float(tint.upper.u) + Float(tint.lower.u)) / 2 - 128
    let v = (Float(tint.upper.v) + Float(tint.lower.v)) / 2 - 128
    var best = TerminalPalette.ansi16.count - 1
    var least = Float.infinity
    for (index, color) in TerminalPalette.ansi16.enumerated().dropFirst() {
      let ink = (Float(color.y) - 16, Float(color.u) - 128, Float(color.v) - 128)
      let length = ink.0 * ink.0 + ink.1 * ink.1 + ink.2 * ink.2
      let amount = min(max((y * ink.0 + u * ink.1 + v * ink.2) / length, 0), 1)
      let error = (y - amount * ink.0, u - amount * ink.1, v - amount * ink.2)
      let distance = error.0 * error.0 + error.1 * error.1 + error.2 * error.2
      if distance < least {
        least = distance
        best = index
      }
    }
    return (TerminalPalette.ansi16[best], Pen(index: UInt8(best)))
  }
}
