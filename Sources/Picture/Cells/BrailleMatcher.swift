/// Braille dots on a ground: the set of dots and the two colours that come nearest to the tile. Dots cover a quarter of
/// their eighth of the cell, so the ground has most to say; the dots show where it is brighter or darker.
struct BrailleMatcher: CellMatcher {
  let repertoire = CellWriter.Repertoire.blocks
  let detail = CellDetail.full
  private let pens: PenChooser
  private let batch = TileBatch()
  private let tints = GlyphTints()

  private static let flatness: Float = 24
  /// The dots on the screen are kept when they remove this much of what the best would.
  private static let loyalty: Float = 0.95
  /// A dot is of this many of the 64 samples.
  static let dotSamples: Float = 2

  init(pens: PenChooser) {
    self.pens = pens
  }

  @inline(__always)
  func match(_ job: MatchingJob) {
    for first in stride(from: 0, to: job.count, by: TileBatch.width) {
      batch.load(job.tiles.luma, cells: job.columns + first, halves: .dots)
      for lane in 0..<min(TileBatch.width, job.count - first) {
        let column = Int(job.columns[first + lane])
        job.looks[first + lane] = look(lane: lane, kept: job.lookToKeep(first + lane), job, column: column)
      }
    }
  }

  @inline(__always)
  private func look(lane: Int, kept: CellLook?, _ job: MatchingJob, column: Int) -> CellLook {
    let total = Float(batch.total.pointee[lane])
    let dots = batch.dotSums(lane)
    var best = Self.best(dots, total: total)
    if let kept, kept.glyph.id >= Glyph.firstBraille {
      let pattern = Int(kept.glyph.id - Glyph.firstBraille)
      let gain = Self.means(pattern, dots, total: total).gain
      if gain >= best.gain * Self.loyalty { best = (pattern, gain) }
    }
    guard best.gain > Self.flatness else {
      let tint = tints.mean(job.chroma(column))
      return pens.flat(
        Color(y: ShapeMatcher.luma(total / 64), u: tint.u, v: tint.v), column: column, row: job.row)
    }
    let glyph = Glyph(braille: UInt8(best.pattern))
    let means = Self.means(best.pattern, dots, total: total)
    let tint = tints.means(job.chroma(column), glyph)
    return pens.look(
      glyph, ink: Color(y: ShapeMatcher.luma(means.ink), u: tint.ink.u, v: tint.ink.v),
      ground: Color(y: ShapeMatcher.luma(means.ground), u: tint.ground.u, v: tint.ground.v), column: column,
      row: job.row)
  }

  /// For any number of dots the best set is that of the brightest or that of the darkest.
  @inline(__always)
  static func best(_ dots: SIMD8<Float>, total: Float) -> (pattern: Int, gain: Float) {
    var best: (pattern: Int, gain: Float) = (0, 0)
    for side in 0..<2 {
      var left = side == 0 ? dots : -dots
      var pattern = 0
      for _ in 0..<8 {
        var next = 0
        for dot in 1..<8 where left[dot] > left[next] { next = dot }
        left[next] = -.infinity
        pattern |= 1 << next
        let gain = means(pattern, dots, total: total).gain
        if gain > best.gain { best = (pattern, gain) }
      }
    }
    return best
  }

  @inline(__always)
  static func means(_ pattern: Int, _ dots: SIMD8<Float>, total: Float) -> TwoMeans {
    var sum: Float = 0
    var samples: Float = 0
    for dot in 0..<8 where pattern >> dot & 1 == 1 {
      sum += dots[dot]
      samples += dotSamples
    }
    guard samples > 0 else { return TwoMeans(ink: 0, ground: total / 64, share: 0) }
    return TwoMeans(ink: sum / samples, ground: (total - sum) / (64 - samples), share: samples / 64)
  }
}

extension TileBatch {
  /// The light under each dot: two columns of half a sample above and half a sample below, of a tile in a lane that was
  /// loaded for dots.
  @inline(__always)
  func dotSums(_ lane: Int) -> SIMD8<Float> {
    let rows = UnsafeRawPointer(self.rows).assumingMemoryBound(to: UInt16.self) + lane
    var dots = SIMD8<Float>()
    for dot in 0..<8 {
      let row = (dot & 1) * 8 + (dot >> 1) * 2
      dots[dot] = (Float(rows[row * TileBatch.width]) + Float(rows[(row + 1) * TileBatch.width])) * 0.5
    }
    return dots
  }
}
