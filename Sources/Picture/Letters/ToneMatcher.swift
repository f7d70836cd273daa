/// Characters as grey tones in the default pens, upright or reversed, for terminals without colours: the character whose
/// ink lies most like the light in the tile.
struct ToneMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.ascii
  let detail = CellDetail.full
  private let letters: LetterSet
  /// Luma of the darker of the default pens, and how far the lighter one is above it.
  private let black: UInt16
  private let white: Float
  /// Whether letters are dark on light, so that a reversed one is what an upright one is elsewhere.
  private let isNegative: Bool
  private let costs: Storage<Costs>

  /// What eight characters cost by themselves: their mean, and their squares over all samples.
  private struct Costs {
    var mean = SIMD8<Float>()
    var upright = SIMD8<Float>(repeating: 1e9)
    var reversed = SIMD8<Float>(repeating: 1e9)
  }

  /// Light is counted in so many steps, ink in the other.
  private static let lightSteps: Float = 64
  private static let inkSteps: Float = 15
  /// How much more the mean of a cell counts than where in it the light lies: from a distance only the mean is left.
  private static let meanWeight: Float = 16
  /// The character on the screen is kept when it is no more than this worse (squared, of all samples) than the best.
  private static let loyalty: Float = 0.6

  init(font: LetterFont, palette: TerminalPalette) {
    letters = LetterSet(font) { $1 * Self.inkSteps }
    let (ink, ground) = (palette.foreground.y, palette.background.y)
    isNegative = ink < ground
    black = UInt16(min(ink, ground))
    white = Float(max(ink, ground) - min(ink, ground))
    costs = Storage(repeating: Costs(), count: letters.groups)
    let samples = Float(LetterShapes.samples)
    for (number, shape) in letters.shapes.enumerated() {
      let square = shape.variance + shape.mean * shape.mean
      let group = costs.pointer + number / 8
      group.pointee.mean[number % 8] = shape.mean
      group.pointee.upright[number % 8] = samples * square
      group.pointee.reversed[number % 8] = samples * (1 - 2 * shape.mean + square)
    }
  }

  func match(_ job: MatchingJob) {
    for index in 0..<job.count {
      let column = Int(job.columns[index])
      job.looks[index] = look(
        job.luma(column), threshold: OrderedDither.threshold(column: column, row: job.row), kept: job.lookToKeep(index))
    }
  }

  private func look(_ luma: UnsafePointer<UInt64>, threshold: Float, kept: CellLook?) -> CellLook {
    let tile = LetterTile(luma).above(black, atMost: UInt16(white))
    letters.set(tile, mean: 0, scale: Self.lightSteps / white)
    _ = letters.products()
    let mean = tile.mean / white
    let light = mean * Float(LetterShapes.samples)
    // No character is half ink: between the densest upright and reversed, cells take turns.
    let wanted = mean + (threshold - 0.5) * mean * (1 - mean)
    var least = SIMD8<Float>(repeating: .infinity)
    for group in 0..<letters.groups {
      let (upright, reversed) = errors(group, light: light, wanted: wanted)
      let (first, second) = (Self.marked(upright, 2 * group), Self.marked(reversed, 2 * group + 1))
      least.replace(with: first, where: first .< least)
      least.replace(with: second, where: second .< least)
    }
    var lane = 0
    for other in 1..<8 where least[other] < least[lane] { lane = other }
    if let kept, kept.background != .unknown {
      let old = letters.number(of: kept.glyph)
      let isReversed = (kept.background == .standardForeground) != isNegative
      let (upright, reversed) = errors(old / 8, light: light, wanted: wanted)
      if (isReversed ? reversed : upright)[old % 8] <= least[lane] + Self.loyalty { return kept }
    }
    let place = Int(least[lane].bitPattern & 31)
    let number = place / 2 * 8 + lane
    return .standard(Glyph(ascii: letters.shapes[number].character), isReversed: (place % 2 == 1) != isNegative)
  }

  /// Errors whose lowest five bits are where they are from.
  @inline(__always)
  private static func marked(_ errors: SIMD8<Float>, _ place: Int) -> SIMD8<Float> {
    let bits = unsafeBitCast(errors, to: SIMD8<UInt32>.self)
    return unsafeBitCast((bits & ~31) | UInt32(truncatingIfNeeded: place), to: SIMD8<Float>.self)
  }

  /// What is left of the squared error of eight characters, upright and reversed, when that of the tile itself is taken
  /// away.
  @inline(__always)
  private func errors(
    _ group: Int, light: Float, wanted: Float
  ) -> (upright: SIMD8<Float>, reversed: SIMD8<Float>) {
    let cost = costs.pointer[group]
    let product = letters.product(group) * (1 / (Self.lightSteps * Self.inkSteps))
    let weight = Float(LetterShapes.samples) * Self.meanWeight
    let (above, below) = (wanted - cost.mean, (wanted - 1) + cost.mean)
    return (
      cost.upright - 2 * product + weight * above * above,
      cost.reversed - 2 * (light - product) + weight * below * below
    )
  }
}
