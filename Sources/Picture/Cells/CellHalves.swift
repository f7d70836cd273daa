import CSamples

/// The colours of the two halves of a cell: what it shows, or should show.
struct CellHalves {
  let upper: Color
  let lower: Color

  @inline(__always)
  init(upper: Color, lower: Color) {
    self.upper = upper
    self.lower = lower
  }

  /// What a look of half blocks in true colour shows.
  @inline(__always)
  init(_ look: CellLook) {
    let (ink, ground) = (look.foreground.color, look.background.color)
    switch look.glyph {
    case .space: self.init(upper: ground, lower: ground)
    case .fullBlock: self.init(upper: ink, lower: ink)
    case .lowerHalf: self.init(upper: ground, lower: ink)
    default: self.init(upper: ink, lower: ground)
    }
  }

  /// One colour for both.
  @inline(__always)
  var mean: Color {
    func middle(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8(truncatingIfNeeded: (Int(a) &+ Int(b) &+ 1) &>> 1) }
    return Color(y: middle(upper.y, lower.y), u: middle(upper.u, lower.u), v: middle(upper.v, lower.v))
  }

  /// The squared error, of 4x4 samples, when these are wanted and others are shown.
  @inline(__always)
  func error(in shown: CellHalves) -> Int {
    Self.error(upper, shown.upper, atMost: .max) &+ Self.error(lower, shown.lower, atMost: .max)
  }

  /// Of one half: the luma of eight samples, and chroma, of which the eye is less keen. Mostly luma alone tells that it is
  /// beyond a limit.
  @inline(__always)
  static func error(_ wanted: Color, _ shown: Color, atMost limit: Int) -> Int {
    let y = Int(wanted.y) &- Int(shown.y)
    let error = 8 &* y &* y
    guard error < limit else { return limit }
    let (u, v) = (Int(wanted.u) &- Int(shown.u), Int(wanted.v) &- Int(shown.v))
    return min(error &+ chromaWeight &* (u &* u &+ v &* v), limit)
  }

  private static let chromaWeight = 2
  /// A cell that is not worth this many bytes is hardly ever worth its own.
  static let leastBytes: Float = 25

  /// What a tile of them looks like.
  @inline(__always)
  var outline: glyphone_outline {
    func pairs(_ a: UInt8, _ b: UInt8) -> UInt32 { UInt32(a) | UInt32(b) << 8 }
    // Columns of four means, upper and lower.
    let column = pairs(upper.y, upper.y) | pairs(lower.y, lower.y) << 16
    let tint = pairs(upper.u, lower.u) | pairs(upper.v, lower.v) << 16
    var outline = glyphone_outline()
    withUnsafeMutableBytes(of: &outline) { bytes in
      bytes.storeBytes(of: SIMD4(repeating: column), as: SIMD4<UInt32>.self)
      bytes.storeBytes(of: tint, toByteOffset: 16, as: UInt32.self)
    }
    return outline
  }

  /// What bytes are worth in error.
  struct Prices {
    let byte: Int
    let pen: Int
    let glyph: Int
    /// A pen that is this far off is not worth keeping for anything.
    var limit: Int { pen &+ glyph &+ 1 }

    /// Where the screen is to be exact: no more than nobody sees.
    @inline(__always)
    static func exact(_ writer: CellWriter) -> Prices { Prices(0.5, writer) }

    @inline(__always)
    static func usual(lambda: Float, _ writer: CellWriter) -> Prices { Prices(min(lambda * 1.25, 1e6), writer) }

    @inline(__always)
    private init(_ byte: Float, _ writer: CellWriter) {
      self.byte = Int(byte)
      pen = Int(byte * Float(writer.colorCost))
      glyph = Int(byte * 3)
    }
  }
}

extension CellWriter {
  /// Of all ways to write two halves - in the pens that are there, with one or two new ones, with either glyph, in one
  /// colour - the one whose error and bytes cost least together.
  @inline(__always)
  func plan(_ halves: CellHalves, column: Int, row: Int, prices: CellHalves.Prices) -> (look: CellLook, cost: Int) {
    let limit = prices.limit
    let upperInk = Self.error(halves.upper, foreground, atMost: limit)
    let upperGround = Self.error(halves.upper, background, atMost: limit)
    let lowerInk = Self.error(halves.lower, foreground, atMost: limit)
    let lowerGround = Self.error(halves.lower, background, atMost: limit)
    let lower = min(lowerInk, prices.pen) &+ min(upperGround, prices.pen) &+ prices.glyph
    let upper = min(upperInk, prices.pen) &+ min(lowerGround, prices.pen) &+ prices.glyph
    var cost = min(lower, upper)
    var look =
      lower <= upper
      ? CellLook(
        glyph: .lowerHalf, foreground: lowerInk < prices.pen ? foreground : Pen(halves.lower),
        background: upperGround < prices.pen ? background : Pen(halves.upper))
      : CellLook(
        glyph: .upperHalf, foreground: upperInk < prices.pen ? foreground : Pen(halves.upper),
        background: lowerGround < prices.pen ? background : Pen(halves.lower))
    let space = upperGround &+ lowerGround &+ prices.byte
    if space < cost { (cost, look) = (space, CellLook(glyph: .space, foreground: foreground, background: background)) }
    let full = upperInk &+ lowerInk &+ prices.glyph
    if full < cost {
      (cost, look) = (full, CellLook(glyph: .fullBlock, foreground: foreground, background: background))
    }
    let mean = halves.mean
    let flat =
      CellHalves.error(halves.upper, mean, atMost: limit) &+ CellHalves.error(halves.lower, mean, atMost: limit)
      &+ prices.pen &+ prices.byte
    if flat < cost { (cost, look) = (flat, CellLook(glyph: .space, foreground: foreground, background: Pen(mean))) }
    return (look, cost &+ prices.byte &* bytesToMove(column: column, row: row))
  }

  /// What a half is off in a pen that is there.
  @inline(__always)
  private static func error(_ wanted: Color, _ pen: Pen, atMost limit: Int) -> Int {
    pen.isColor ? CellHalves.error(wanted, pen.color, atMost: limit) : limit
  }
}
