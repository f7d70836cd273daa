/// Braille dots for terminals with few colours or none. Each dot is there or not by the light under it and by its place
/// (ordered dither), so that their number follows the light. Without colours dots are of the foreground, wherever it is
/// light or dark; with colours the ground has most to say, and dots are of the pen that brings it nearer to the tile.
struct DotMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.blocks
  let detail = CellSignature.Detail.full
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
    let mean = Float(batch.total[lane]) * (1 / 64)
    let tint = tints.mean(chroma)
    let dots = batch.dotSums(lane)
    let shape = BrailleMatcher.best(dots, total: Float(batch.total[lane]))
    let wanted = Color(y: ShapeMatcher.luma(mean), u: tint.u, v: tint.v)
    let mixture = pens.mixture(wanted)
    var look = mixture.look
    let share = mixture.coverage / Self.coverage
    // Two pens that show a strong edge better than any mixture.
    let means = BrailleMatcher.means(shape.pattern, dots, total: Float(batch.total[lane]))
    let (ink, ground) = (
      pens.nearest(Color(y: ShapeMatcher.luma(means.ink), u: tint.u, v: tint.v)),
      pens.nearest(Color(y: ShapeMatcher.luma(means.ground), u: tint.u, v: tint.v))
    )
    if ink.pen != ground.pen {
      let left =
        64
        * (means.share * Self.square(means.ink, ink.color.y) + (1 - means.share)
          * Self.square(means.ground, ground.color.y))
        - means.gain
      if left < 64 * Float(wanted.distance(to: mixture.color)) {
        return CellLook(glyph: Glyph(braille: UInt8(shape.pattern)), foreground: ink.pen, background: ground.pen)
      }
    }
    guard look.glyph != .space else { return look }
    let contrast = Float(pens.color(of: look.foreground).y) - Float(pens.color(of: look.background).y)
    var light = SIMD8<Float>(repeating: share)
    if abs(contrast) >= Self.leastContrast {
      light += (dots * (1 / BrailleMatcher.dotSamples) - mean) / contrast
    }
    let isSame = kept?.foreground == look.foreground && kept?.background == look.background
    let pattern = Self.pattern(light, isSame ? kept.flatMap { Self.dots(of: $0.glyph) } : nil, column: column, row: row)
    look.glyph = pattern == 0 ? .space : Glyph(braille: pattern)
    return look
  }

  @inline(__always)
  private static func square(_ a: Float, _ b: UInt8) -> Float { (a - Float(b)) * (a - Float(b)) }

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
