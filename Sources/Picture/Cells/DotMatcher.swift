/// Braille dots for terminals with few colours or none. Each dot is there or not by the light under it and by its place
/// (ordered dither), so that their number follows the light. Without colours dots are of the foreground, wherever it is
/// light or dark; with colours the ground has most to say, and dots are of the pen that brings it nearer to the tile.
struct DotMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.blocks
  let detail = CellDetail.full
  private let pens: FewPens
  private let isMono: Bool
  private let batch = TileBatch()
  private let tints = GlyphTints()

  /// Dots cover so much of a cell.
  private static let coverage: Float = 0.25
  /// A dot on the screen stays as it is when the light is no farther than this from where it would change, in parts of the
  /// way between the two pens.
  private static let loyalty: Float = 0.04
  /// Pens nearer than this in luma show no detail.
  private static let leastContrast: Float = 16

  /// - Parameter depth: ``ColorDepth/ansi16`` or less.
  init(palette: TerminalPalette, depth: ColorDepth) {
    isMono = depth == .mono
    pens = FewPens(
      palette: palette, depth: depth,
      glyphs: [(Glyph(braille: 0x99), Self.coverage / 2), (Glyph(braille: 0xFF), Self.coverage)])
  }

  @inline(__always)
  func match(_ job: MatchingJob) {
    for first in stride(from: 0, to: job.count, by: TileBatch.width) {
      batch.load(job.tiles.luma, cells: job.columns + first, halves: .dots)
      for lane in 0..<min(TileBatch.width, job.count - first) {
        let column = Int(job.columns[first + lane])
        let kept = job.lookToKeep(first + lane)
        job.looks[first + lane] =
          isMono
          ? plain(lane, kept, column: column, row: job.row)
          : colored(lane, kept, job.chroma(column), column: column, row: job.row)
      }
    }
  }

  @inline(__always)
  private func plain(_ lane: Int, _ kept: CellLook?, column: Int, row: Int) -> CellLook {
    let ground = Float(pens.color(of: .standardBackground).y)
    let ink = Float(pens.color(of: .standardForeground).y)
    let light = (batch.dotSums(lane) * (1 / BrailleMatcher.dotSamples) - ground) / (ink - ground)
    let shown = kept.flatMap { $0.background == .standardBackground ? Self.dots(of: $0.glyph) : nil }
    let pattern = Self.pattern(light, shown, column: column, row: row)
    return .standard(pattern == 0 ? .space : Glyph(braille: pattern), isReversed: false)
  }

  @inline(__always)
  private func colored(
    _ lane: Int, _ kept: CellLook?, _ chroma: UnsafePointer<UInt64>, column: Int, row: Int
  ) -> CellLook {
    let total = Float(batch.total.pointee[lane])
    let tint = tints.mean(chroma)
    func color(_ luma: Float) -> Color { Color(y: ShapeMatcher.luma(luma), u: tint.u, v: tint.v) }
    let dots = batch.dotSums(lane)
    let wanted = color(total * (1 / 64))
    let mixture = pens.mixture(wanted)
    // A strong edge is better shown by the two pens that are nearest to its sides.
    let pattern = BrailleMatcher.best(dots, total: total).pattern
    let means = BrailleMatcher.means(pattern, dots, total: total)
    let (ink, ground) = (color(means.ink), color(means.ground))
    let (foreground, background) = (pens.nearest(ink), pens.nearest(ground))
    let left =
      means.share * Float(ink.distance(to: foreground.color))
      + (1 - means.share) * Float(ground.distance(to: background.color)) - means.gain * (1 / 64)
    if foreground.pen != background.pen, left < Float(wanted.distance(to: mixture.color)) {
      return CellLook(
        glyph: Glyph(braille: UInt8(pattern)), foreground: foreground.pen, background: background.pen)
    }
    return dithered(mixture, dots, mean: total * (1 / 64), kept, column: column, row: row)
  }

  /// A mixture whose dots are where the light is nearest to their pen.
  @inline(__always)
  private func dithered(
    _ mixture: FewPens.Mixture, _ dots: SIMD8<Float>, mean: Float, _ kept: CellLook?, column: Int, row: Int
  ) -> CellLook {
    var look = mixture.look
    guard look.glyph != .space else { return look }
    let contrast = Float(pens.color(of: look.foreground).y) - Float(pens.color(of: look.background).y)
    var light = SIMD8<Float>(repeating: mixture.coverage / Self.coverage)
    if abs(contrast) >= Self.leastContrast { light += (dots * (1 / BrailleMatcher.dotSamples) - mean) / contrast }
    let isSame = kept?.foreground == look.foreground && kept?.background == look.background
    let pattern = Self.pattern(light, isSame ? kept.flatMap { Self.dots(of: $0.glyph) } : nil, column: column, row: row)
    look.glyph = pattern == 0 ? .space : Glyph(braille: pattern)
    return look
  }

  /// The dots of a glyph; nil for one that is not made of dots.
  @inline(__always)
  private static func dots(of glyph: Glyph) -> UInt8? {
    if glyph == .space { return 0 }
    return glyph.id >= Glyph.firstBraille ? UInt8(truncatingIfNeeded: glyph.id - Glyph.firstBraille) : nil
  }

  /// The dots whose light is above the threshold of their place.
  @inline(__always)
  private static func pattern(_ light: SIMD8<Float>, _ shown: UInt8?, column: Int, row: Int) -> UInt8 {
    var pattern: UInt8 = 0
    for dot in 0..<8 {
      var threshold = OrderedDither.threshold(column: 2 * column + (dot & 1), row: 4 * row + dot >> 1)
      if let shown { threshold += shown >> UInt8(dot) & 1 == 1 ? -loyalty : loyalty }
      if light[dot] > threshold { pattern |= 1 << UInt8(dot) }
    }
    return pattern
  }
}
