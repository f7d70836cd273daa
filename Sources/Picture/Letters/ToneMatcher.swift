/// Characters as grey tones in the default pens, upright or reversed, for terminals without colours: the character whose
/// ink lies most like the light in the tile.
struct ToneMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.ascii
  let detail = CellSignature.Detail.full
  private let letters: LetterSet
  /// Luma of full ink, above black.
  private let white: Float
  private let costs: Storage<Cost>

  /// What a character costs by itself.
  private struct Cost {
    var mean: Float = 0
    var upright: Float = 0
    var reversed: Float = 0
  }

  /// Light is counted in so many steps, ink in the other.
  private static let lightSteps: Float = 64
  private static let inkSteps: Float = 15
  /// How much more the mean of a cell counts than where in it the light lies: from a distance only the mean is left.
  private static let meanWeight: Float = 8
  /// The character on the screen is kept when it is no more than this worse (squared, of all samples) than the best.
  private static let loyalty: Float = 0.6

  init(font: LetterFont, foreground: Color) {
    letters = LetterSet(font) { $1 * Self.inkSteps }
    white = Float(max(Int(foreground.y), 64) - 16)
    costs = Storage(repeating: Cost(), count: letters.shapes.count)
    let samples = Float(LetterShapes.samples)
    for (number, shape) in letters.shapes.enumerated() {
      let square = shape.variance + shape.mean * shape.mean
      costs.pointer[number] = Cost(
        mean: shape.mean, upright: samples * square, reversed: samples * (1 - 2 * shape.mean + square))
    }
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(job.luma(column), kept: job.lookToKeep(index))
    }
  }

  private func look(_ luma: UnsafePointer<UInt64>, kept: CellLook?) -> CellLook {
    let tile = LetterSet.reduce(luma)
    var light: Float = 0
    for sample in 0..<LetterShapes.samples {
      let value = min(max((Float(tile[sample]) * 0.5 - 16) / white, 0), 1)
      light += value
      letters.set(sample, Int16(value * Self.lightSteps + 0.5))
    }
    let products = letters.products()
    let samples = Float(LetterShapes.samples)
    let mean = light / samples
    // What is left of the squared error when that of the tile itself is taken away.
    func error(_ number: Int, isReversed: Bool) -> Float {
      let cost = costs.pointer[number]
      let product = Float(products[number]) * (1 / (Self.lightSteps * Self.inkSteps))
      let difference = isReversed ? mean - 1 + cost.mean : mean - cost.mean
      return (isReversed ? cost.reversed - 2 * (light - product) : cost.upright - 2 * product)
        + samples * Self.meanWeight * difference * difference
    }
    var best: (error: Float, number: Int, isReversed: Bool) = (.infinity, 0, false)
    for number in 0..<letters.shapes.count {
      let upright = error(number, isReversed: false)
      if upright < best.error { best = (upright, number, false) }
      let reversed = error(number, isReversed: true)
      if reversed < best.error { best = (reversed, number, true) }
    }
    if let kept, kept.background != .unknown {
      let old = letters.number(of: kept.glyph)
      let isReversed = kept.background == .standardForeground
      if error(old, isReversed: isReversed) <= best.error + Self.loyalty {
        (best.number, best.isReversed) = (old, isReversed)
      }
    }
    return .standard(Glyph(ascii: letters.shapes[best.number].character), isReversed: best.isReversed)
  }
}
