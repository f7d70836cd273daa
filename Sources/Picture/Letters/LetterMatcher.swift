/// The character that is most like the tile, and the two colours that suit it best: ink and ground.
struct LetterMatcher: CellMatcher {
  let pens: PenChooser
  let repertoire = CellWriter.Repertoire.ascii
  let detail = CellSignature.Detail.full
  private let letters = LetterSet(normalized: true)
  private let tile = Storage<Float>(repeating: 0, count: LetterShapes.samples)
  /// A character that explains no more squared error than this is not worth a second colour.
  private let flatness: Float = 24

  init(pens: PenChooser) {
    self.pens = pens
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(luma: job.luma(column), chroma: job.chroma(column))
    }
  }

  private func look(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook {
    let mean = LetterSet.reduce(luma, into: tile.pointer)
    // Shapes have no mean, so the tile need not lose its own.
    let products = letters.products(tile.pointer)
    var best = 0
    var strength: Float = 0
    for letter in 0..<letters.count {
      let square = products[letter] * products[letter]
      if square > strength {
        strength = square
        best = letter
      }
    }
    let color = TileHalves(luma: luma, chroma: chroma).mean
    func pen(_ value: Float) -> Color {
      (Color(y: UInt8(min(max(value + 0.5, 16), 235)), u: color.u, v: color.v))
    }
    if strength <= flatness {
      let ground = pen(mean)
      return pens.flat(ground, column: 0, row: 0)
    }
    // Least squares: tile = ground + (ink - ground) * coverage. Ink thinner than a sample is asked for more than there
    // is; then the ground makes up for the mean.
    let coverage = letters.means[best]
    let slope = products[best] / letters.variances[best].squareRoot()
    let ink = min(max(mean + slope * (1 - coverage), 16), 235)
    let ground = (mean - ink * coverage) / (1 - coverage)
    return pens.look(
      Glyph(ascii: letters.characters[best]), ink: pen(ink), ground: pen(ground), column: 0, row: 0)
  }
}
