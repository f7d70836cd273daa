/// Characters as grey tones in the default pens, for terminals without colours: the character whose ink lies most like the
/// light in the tile.
struct ToneMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.ascii
  let detail = CellSignature.Detail.full
  private let letters = LetterSet(normalized: false)
  private let tile = Storage<Float>(repeating: 0, count: LetterShapes.samples)
  /// What each shape costs by itself.
  private let costs: [Float]
  /// How much more the mean of a cell counts than where in it the light lies: from a distance only the mean is left.
  private static let meanWeight: Float = 8
  /// Coverage that stands for full white: that of the densest character.
  private let white: Float

  init() {
    let samples = Float(LetterShapes.samples)
    costs = zip(letters.means, letters.variances).map { $1 + $0 * $0 * samples * (1 + Self.meanWeight) }
    white = letters.means.max() ?? 1
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(luma: job.luma(column), chroma: job.chroma(column))
    }
  }

  private func look(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook {
    _ = LetterSet.reduce(luma, into: tile.pointer)
    // Black is no coverage, white as much as there is.
    let scale = white / (235 - 16)
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
    return CellLook(
      glyph: Glyph(ascii: letters.characters[best]), foreground: .standardForeground, background: .standardBackground)
  }
}
