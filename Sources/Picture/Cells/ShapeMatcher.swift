/// Two colours and the shape between them: of the block elements, of the patterns of a ``SubcellGrid``, or of both together
/// the one that comes nearest to the tile in the sense of least squares. It is found by luma; each colour then gets the
/// chroma of what it covers.
struct ShapeMatcher: CellMatcher {
  let detail = CellDetail.full
  let repertoire = CellWriter.Repertoire.blocks
  private let pens: PenChooser
  private let batch = TileBatch()
  private let cuts: BlockCuts?
  private let splits: SubcellSplits?
  private let tints = GlyphTints()

  /// A shape that removes no more squared error than this, of 64 samples, is not worth a second colour.
  private static let flatness: Float = 48
  /// The shape on the screen is kept when it removes this much of what the best would: flicker is worse than a little error.
  private static let loyalty: Float = 0.95

  init(grid: SubcellGrid?, blocks: Bool, pens: PenChooser) {
    self.pens = pens
    cuts = blocks ? BlockCuts() : nil
    splits = grid.map { SubcellSplits($0) }
  }

  @inline(__always)
  func match(_ job: MatchingJob) {
    for first in stride(from: 0, to: job.count, by: TileBatch.width) { match(job, first) }
  }

  /// Eight cells at once.
  @inline(__always)
  private func match(_ job: MatchingJob, _ first: Int) {
    let cells = job.columns + first
    batch.load(job.tiles.luma, cells: cells, halves: .whole)
    let cutScores = cuts?.best(batch) ?? SIMD8<Float>()
    let splitScores = splits?.best(batch) ?? SIMD8<Float>()
    let row = job.row
    for lane in 0..<min(TileBatch.width, job.count - first) {
      let column = Int(cells[lane])
      let total = Int(batch.total.pointee[lane])
      let chroma = job.chroma(column)
      let score = max(cutScores[lane], splitScores[lane])
      if score <= Self.flatness {
        let tint = tints.mean(chroma)
        let color = Color(y: Self.luma(Float(total) * (1 / 64)), u: tint.u, v: tint.v)
        job.looks[first + lane] = pens.flat(color, column: column, row: row)
        continue
      }
      let isCut = cutScores[lane] >= splitScores[lane]
      let best = isCut ? cut(score, lane, total) : split(score, lane)
      let old = job.lookToKeep(first + lane)?.glyph ?? best.0
      let (glyph, means) =
        old == best.0 ? best : kept(old, lane: lane, total: total, atLeast: score * Self.loyalty) ?? best
      let tint = tints.means(chroma, glyph)
      job.looks[first + lane] = pens.look(
        glyph, ink: Color(y: Self.luma(means.ink), u: tint.ink.u, v: tint.ink.v),
        ground: Color(y: Self.luma(means.ground), u: tint.ground.u, v: tint.ground.v), column: column, row: row)
    }
  }

  @inline(__always)
  private func cut(_ score: Float, _ lane: Int, _ total: Int) -> (Glyph, TwoMeans) {
    guard let cuts else { return (.space, TwoMeans(ink: 0, ground: 0, share: 0)) }
    let number = Int(score.bitPattern & 31)
    return (cuts.glyph(number), cuts.means(number, lane: lane, total: total))
  }

  @inline(__always)
  private func split(_ score: Float, _ lane: Int) -> (Glyph, TwoMeans) {
    guard let splits else { return (.space, TwoMeans(ink: 0, ground: 0, share: 0)) }
    let pattern = splits.pattern(ground: Int(score.bitPattern & 31), lane: lane)
    return (splits.glyph(pattern), splits.means(pattern, lane: lane))
  }

  /// The shape on the screen, if it is nearly as good.
  @inline(__always)
  private func kept(_ old: Glyph, lane: Int, total: Int, atLeast score: Float) -> (Glyph, TwoMeans)? {
    if let cuts {
      let cut = cuts.cut(of: old)
      if cut < BlockCuts.count {
        let means = cuts.means(cut, lane: lane, total: total)
        return means.gain >= score ? (cuts.glyph(cut), means) : nil
      }
    }
    if let splits {
      let pattern = splits.pattern(of: old)
      if pattern != 0 {
        let means = splits.means(pattern, lane: lane)
        return means.gain >= score ? (old, means) : nil
      }
    }
    return nil
  }

  /// The nearest whole number of 0...255, by way of a number in which it is the lowest bits.
  @inline(__always)
  static func luma(_ value: Float) -> UInt8 { UInt8(truncatingIfNeeded: (value + 8_388_608).bitPattern) }
}
