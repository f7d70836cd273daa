/// A tile as screens show it. Where red, green or blue would be below 0 or above 255, which noise makes of what is dark or
/// bright, they show another luma than the codec means, and a paler colour; a dark wall in bad light is a good deal lighter.
/// It is the mean of those that a cell must show.
struct DisplayedTile {
  let tile: LetterTile
  let mean: Float
  /// The squared differences from the mean, of 32 samples.
  let squares: Float
  let tint: GlyphTints.Tint

  private typealias Lanes = SIMD8<Int16>

  /// - Parameters luma, chroma: the words of a tile (``TileRow``).
  @inline(__always)
  init(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, tints: GlyphTints) {
    let tile = LetterTile(luma)
    let mean = tile.mean
    let squares = tile.squares(around: mean)
    let tint = tints.mean(chroma)
    guard Self.isAnother(mean: mean, squares: squares, tint: tint) else {
      (self.tile, self.mean, self.squares, self.tint) = (tile, mean, squares, tint)
      return
    }
    let (a, b) = (Self.displayed(tile.columns.0, chroma[0]), Self.displayed(tile.columns.1, chroma[1]))
    let (c, d) = (Self.displayed(tile.columns.2, chroma[2]), Self.displayed(tile.columns.3, chroma[3]))
    self.tile = LetterTile(a.samples, b.samples, c.samples, d.samples)
    self.mean = self.tile.mean
    self.squares = self.tile.squares(around: self.mean)
    self.tint = Self.moved(
      tint, red: Self.mean(a.red &+ b.red &+ c.red &+ d.red),
      green: Self.mean(a.green &+ b.green &+ c.green &+ d.green),
      blue: Self.mean(a.blue &+ b.blue &+ c.blue &+ d.blue))
  }

  /// Whether some sample may well be shown as another.
  @inline(__always)
  private static func isAnother(mean: Float, squares: Float, tint: GlyphTints.Tint) -> Bool {
    // Blue reaches farthest; chroma is noisy, too.
    let chroma = max(abs(Int(tint.u) &- 128), abs(Int(tint.v) &- 128)) &+ 4
    let room = min(mean - 16, 235 - mean) - 1.75 * Float(chroma)
    return room < 0 || room * room < squares * (5 / 32)
  }

  /// The chroma of a colour whose red, green and blue are moved.
  @inline(__always)
  private static func moved(_ tint: GlyphTints.Tint, red: Float, green: Float, blue: Float) -> GlyphTints.Tint {
    let u = Float(tint.u) + 0.439 * blue - 0.291 * green - 0.148 * red
    let v = Float(tint.v) + 0.439 * red - 0.368 * green - 0.071 * blue
    return (ShapeMatcher.luma(min(max(u, 16), 240)), ShapeMatcher.luma(min(max(v, 16), 240)))
  }

  /// A column of samples, and how far each of the three was lifted into its range, all in halves of a level.
  private struct Column {
    let samples: LetterTile.Column
    let red: Lanes
    let green: Lanes
    let blue: Lanes
  }

  /// - Parameter samples: of a column, each the sum of two.
  @inline(__always)
  private static func displayed(_ samples: LetterTile.Column, _ chroma: UInt64) -> Column {
    let luma = unsafeBitCast(samples, to: Lanes.self) &- 32
    let white = luma &+ ((luma &* 21) &>> 7)
    let (u, v) = (rows(chroma) &- 128, rows(chroma &>> 32) &- 128)
    let red = lift(white &+ 3 &* v &+ ((25 &* v) &>> 7))
    let green = lift(white &- ((50 &* u &+ 104 &* v) &>> 6))
    let blue = lift(white &+ 4 &* u &+ (u &>> 5))
    let way = (33 &* red &+ 65 &* green &+ 12 &* blue &+ 64) &>> 7
    return Column(
      samples: samples &+ unsafeBitCast(way, to: LetterTile.Column.self), red: red, green: green, blue: blue)
  }

  /// The way back into the range.
  @inline(__always)
  private static func lift(_ value: Lanes) -> Lanes {
    let beyond = value &- 510
    return ((0 &- value) & (value &>> 15)) &- (beyond & ~(beyond &>> 15))
  }

  /// The four lowest bytes, each in two lanes.
  @inline(__always)
  private static func rows(_ word: UInt64) -> Lanes {
    let upper = ((word & 0xFF) | (word & 0xFF00) &<< 24) &* 0x1_0001
    let lower = ((word &>> 16) & 0xFF | (word & 0xFF00_0000) &<< 8) &* 0x1_0001
    return unsafeBitCast(SIMD2(upper, lower), to: Lanes.self)
  }

  /// The mean of 32 samples, in levels.
  @inline(__always)
  private static func mean(_ sums: Lanes) -> Float { Float(sums.wrappedSum()) * (1 / 64) }
}
