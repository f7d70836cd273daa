/// Shapes for terminals with few colours or none: two pens and the shape between them, or a mixture of two pens all over
/// the cell, whichever comes nearer to the tile.
struct MixedShapeMatcher: CellMatcher {
  let detail = CellDetail.full
  let repertoire = CellWriter.Repertoire.blocks
  private let pens: FewPens
  private let batch = TileBatch()
  private let cuts: BlockCuts?
  private let splits: SubcellSplits?
  private let tints = GlyphTints()

  /// What is on the screen is kept when it leaves no more than this much squared error more, of 64 samples, than the best:
  /// pens are so far apart that a change is seen before the error is.
  private static let loyalty: Float = 64 * 12

  /// - Parameter depth: ``ColorDepth/ansi16`` or less.
  init(grid: SubcellGrid?, blocks: Bool, palette: TerminalPalette, depth: ColorDepth) {
    pens = FewPens(palette: palette, depth: depth, glyphs: FewPens.shades)
    cuts = blocks ? BlockCuts() : nil
    splits = grid.map { SubcellSplits($0) }
  }

  /// A look, and what it leaves of the squared error of 64 samples beyond what the mean would.
  private struct Candidate {
    var look: CellLook
    var error: Float
  }

  /// A tile in the batch.
  private struct Tile {
    let lane: Int
    let total: Int
    let chroma: UnsafePointer<UInt64>
    let mean: Color
  }

  @inline(__always)
  func match(_ job: MatchingJob) {
    for first in stride(from: 0, to: job.count, by: TileBatch.width) {
      let cells = job.columns + first
      batch.load(job.tiles.luma, cells: cells, halves: .whole)
      let cutScores = cuts?.best(batch) ?? SIMD8<Float>()
      let splitScores = splits?.best(batch) ?? SIMD8<Float>()
      for lane in 0..<min(TileBatch.width, job.count - first) {
        let tile = tile(lane, job.chroma(Int(cells[lane])))
        let isCut = cutScores[lane] >= splitScores[lane]
        let shape = isCut ? cut(cutScores[lane], tile) : split(splitScores[lane], tile)
        job.looks[first + lane] = look(tile, shape: shape, kept: job.lookToKeep(first + lane))
      }
    }
  }

  @inline(__always)
  private func tile(_ lane: Int, _ chroma: UnsafePointer<UInt64>) -> Tile {
    let total = Int(batch.total.pointee[lane])
    let tint = tints.mean(chroma)
    let mean = Color(y: ShapeMatcher.luma(Float(total) * (1 / 64)), u: tint.u, v: tint.v)
    return Tile(lane: lane, total: total, chroma: chroma, mean: mean)
  }

  @inline(__always)
  private func look(_ tile: Tile, shape: (glyph: Glyph, means: TwoMeans)?, kept: CellLook?) -> CellLook {
    let mixture = pens.mixture(tile.mean)
    var best = Candidate(look: mixture.look, error: 64 * Float(tile.mean.distance(to: mixture.color)))
    if let shape {
      let (ink, ground) = colors(of: shape.glyph, shape.means, tile)
      let (foreground, background) = (pens.nearest(ink), pens.nearest(ground))
      let error = Self.error(shape.means, ink, foreground.color, ground, background.color)
      if error < best.error, foreground.pen != background.pen {
        best = Candidate(
          look: CellLook(glyph: shape.glyph, foreground: foreground.pen, background: background.pen), error: error)
      }
    }
    if let kept, let error = error(of: kept, tile), error <= best.error + Self.loyalty { return kept }
    return best.look
  }

  /// What a look on the screen leaves; nil for one that is not of this matcher.
  @inline(__always)
  private func error(of look: CellLook, _ tile: Tile) -> Float? {
    guard look.background != .unknown else { return nil }
    let ground = pens.color(of: look.background)
    if look.glyph == .space { return 64 * Float(tile.mean.distance(to: ground)) }
    let ink = pens.color(of: look.foreground)
    if look.glyph == .fullBlock { return 64 * Float(tile.mean.distance(to: ink)) }
    if (0x11...0x13).contains(look.glyph.id &- Glyph.firstBlock) {
      let coverage = Float(look.glyph.id - Glyph.firstBlock - 0x10) * 0.25
      return 64 * Float(tile.mean.distance(to: FewPens.mix(ink, ground, coverage)))
    }
    guard let means = means(of: look.glyph, tile) else { return nil }
    let (wantedInk, wantedGround) = colors(of: look.glyph, means, tile)
    return Self.error(means, wantedInk, ink, wantedGround, ground)
  }

  @inline(__always)
  private static func error(_ means: TwoMeans, _ ink: Color, _ pen: Color, _ ground: Color, _ paper: Color) -> Float {
    64 * (means.share * Float(ink.distance(to: pen)) + (1 - means.share) * Float(ground.distance(to: paper)))
      - means.gain
  }

  /// The colours that a shape's ink and ground would best have.
  @inline(__always)
  private func colors(of glyph: Glyph, _ means: TwoMeans, _ tile: Tile) -> (ink: Color, ground: Color) {
    let tint = tints.means(tile.chroma, glyph)
    return (
      Color(y: ShapeMatcher.luma(means.ink), u: tint.ink.u, v: tint.ink.v),
      Color(y: ShapeMatcher.luma(means.ground), u: tint.ground.u, v: tint.ground.v)
    )
  }

  /// The cut of a score, if it is any good.
  @inline(__always)
  private func cut(_ score: Float, _ tile: Tile) -> (glyph: Glyph, means: TwoMeans)? {
    guard score > 0, let cuts else { return nil }
    let number = Int(score.bitPattern & 31)
    return (cuts.glyph(number), cuts.means(number, lane: tile.lane, total: tile.total))
  }

  @inline(__always)
  private func split(_ score: Float, _ tile: Tile) -> (glyph: Glyph, means: TwoMeans)? {
    guard score > 0, let splits else { return nil }
    let pattern = splits.pattern(ground: Int(score.bitPattern & 31), lane: tile.lane)
    return (splits.glyph(pattern), splits.means(pattern, lane: tile.lane))
  }

  @inline(__always)
  private func means(of glyph: Glyph, _ tile: Tile) -> TwoMeans? {
    if let cuts {
      let cut = cuts.cut(of: glyph)
      if cut < BlockCuts.count, cuts.glyph(cut) == glyph {
        return cuts.means(cut, lane: tile.lane, total: tile.total)
      }
    }
    guard let splits else { return nil }
    let pattern = splits.pattern(of: glyph)
    return pattern == 0 ? nil : splits.means(pattern, lane: tile.lane)
  }
}
