/// The character that is most like the tile, and the two colours that suit it best: ink and ground. It is the one whose
/// ink goes most together with the light in the tile: the normalized correlation of the two is the squared error that
/// least squares removes.
struct LetterMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.ascii
  let detail = CellDetail.full
  private let pens: PenChooser
  private let letters: LetterSet
  private let tints = GlyphTints()
  private let fits: Storage<Fit>

  /// How to get from the product with a character to the least squares.
  private struct Fit {
    var mean: Float = 0
    /// From the product to ink minus ground, for a tile of length 1.
    var slope: Float = 0
  }

  /// Shapes are of this length, tiles of the other; no product is larger than both multiplied.
  private static let shapeLength: Float = 120
  private static let tileLength: Float = 256
  /// A character that explains no more squared error than this, of 64 samples, is not worth a second colour.
  private static let flatness: Float = 48
  /// The character on the screen is kept when its product is this much of the best: flicker is worse than a little error.
  private static let loyalty: Float = 0.975

  init(font: LetterFont, pens: PenChooser) {
    self.pens = pens
    letters = LetterSet(font) { shape, ink in
      shape.variance > 0
        ? (ink - shape.mean) / (Float(LetterShapes.samples) * shape.variance).squareRoot() * Self.shapeLength : 0
    }
    fits = Storage(repeating: Fit(), count: letters.shapes.count)
    let samples = Float(LetterShapes.samples)
    for (number, shape) in letters.shapes.enumerated() where shape.variance > 0 {
      fits.pointer[number] = Fit(
        mean: shape.mean, slope: 1 / (Self.shapeLength * Self.tileLength * (samples * shape.variance).squareRoot()))
    }
  }

  @inline(__always)
  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(job, index: index, column: column)
    }
  }

  @inline(__always)
  private func look(_ job: MatchingJob, index: Int, column: Int) -> CellLook {
    let shown = DisplayedTile(luma: job.luma(column), chroma: job.chroma(column), tints: tints)
    let (tile, mean, tint) = (shown.tile, shown.mean, shown.tint)
    var length = shown.squares
    func color(_ value: Float) -> Color {
      Color(y: ShapeMatcher.luma(min(max(value, 16), 235)), u: tint.u, v: tint.v)
    }
    // No character explains more than there is; 64 samples have twice the error of 32.
    guard 2 * length > Self.flatness else { return pens.flat(color(mean), column: column, row: job.row) }
    length = length.squareRoot()
    letters.set(tile, mean: mean, scale: Self.tileLength / length)
    let products = letters.products()
    var best = letters.strongest()
    if let kept = job.lookToKeep(index) {
      let old = letters.number(of: kept.glyph)
      if abs(Float(products[old])) >= Self.loyalty * abs(Float(products[best])) { best = old }
    }
    let product = Float(products[best]) * length
    let explained = product / (Self.shapeLength * Self.tileLength)
    guard 2 * explained * explained > Self.flatness else {
      return pens.flat(color(mean), column: column, row: job.row)
    }
    let fit = fits.pointer[best]
    let (ink, ground) = Self.bounded(mean: mean, slope: product * fit.slope, coverage: fit.mean)
    return pens.look(
      Glyph(ascii: letters.shapes[best].character), ink: color(ink), ground: color(ground), column: column,
      row: job.row)
  }

  /// Least squares: tile = ground + slope * coverage. Thin ink is sometimes asked for more than black or white; then the
  /// ground makes up for the mean, and the other way round.
  @inline(__always)
  private static func bounded(mean: Float, slope: Float, coverage: Float) -> (ink: Float, ground: Float) {
    let ink = min(max(mean + slope * (1 - coverage), 16), 235)
    let ground = (mean - ink * coverage) / (1 - coverage)
    if ground >= 16, ground <= 235 { return (ink, ground) }
    let bound: Float = ground < 16 ? 16 : 235
    return ((mean - bound * (1 - coverage)) / coverage, bound)
  }
}
