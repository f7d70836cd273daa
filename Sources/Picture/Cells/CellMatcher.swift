/// Finds the look that comes nearest to a tile.
protocol CellMatcher {
  /// Whether its looks may be of block elements.
  var usesBlocks: Bool { get }
  /// Whether its looks tell the upper and the lower half of a cell apart and no more.
  var seesHalvesOnly: Bool { get }

  /// - Parameters:
  ///   - luma: the tile's eight words of luma, `chroma`: its four words of chroma (``TileRow``).
  ///   - column, row: where the cell is on the screen.
  func match(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, column: Int, row: Int) -> CellLook
}

/// Adding up bytes inside of words: the even and the odd bytes apart, as four sums of 16 bits each.
enum ByteSums {
  static let evenBytes: UInt64 = 0x00FF_00FF_00FF_00FF
  /// Multiplying four 16-bit lanes with it leaves in each lane the sum of the lanes up to it.
  static let runningSum: UInt64 = 0x0001_0001_0001_0001

  @inline(__always)
  static func even(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    (a & evenBytes) &+ (b & evenBytes) &+ (c & evenBytes) &+ (d & evenBytes)
  }

  @inline(__always)
  static func odd(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    even(a &>> 8, b &>> 8, c &>> 8, d &>> 8)
  }

  /// One of four 16-bit lanes, the lowest first.
  @inline(__always)
  static func lane(_ word: UInt64, _ index: Int) -> Int {
    Int((word &>> (16 &* UInt64(truncatingIfNeeded: index))) & 0xFFFF)
  }

  /// The sum of all eight bytes.
  @inline(__always)
  static func total(_ word: UInt64) -> Int {
    Int((((word & evenBytes) &+ ((word &>> 8) & evenBytes)) &* runningSum) &>> 48)
  }
}

/// Upper and lower half of the cell, a colour each.
struct HalfMatcher: CellMatcher {
  let pens: PenChooser
  let usesBlocks = true
  let seesHalvesOnly = true

  @inline(__always)
  func match(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, column: Int, row: Int) -> CellLook {
    let colors = Self.colors(luma: luma, chroma: chroma)
    let upper = pens.pen(colors.upper, column: column, line: 2 * row)
    let lower = pens.pen(colors.lower, column: column, line: 2 * row + 1)
    if pens.depth == .mono { return Self.monochrome(upper: upper, lower: lower) }
    let isFlat = pens.depth == .trueColor ? colors.upper.isNear(colors.lower) : upper == lower
    return CellLook(glyph: isFlat ? .space : .lowerHalf, foreground: lower, background: upper)
  }

  /// The means of both halves.
  @inline(__always)
  static func colors(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> (upper: Color, lower: Color) {
    let rows =
      ByteSums.even(luma[0], luma[1], luma[2], luma[3]) &+ ByteSums.even(luma[4], luma[5], luma[6], luma[7])
      &+ ByteSums.odd(luma[0], luma[1], luma[2], luma[3]) &+ ByteSums.odd(luma[4], luma[5], luma[6], luma[7])
    // Lanes: upper and lower U, upper and lower V, eight samples each.
    let tint =
      ByteSums.even(chroma[0], chroma[1], chroma[2], chroma[3])
      &+ ByteSums.odd(chroma[0], chroma[1], chroma[2], chroma[3]) &+ (4 &* ByteSums.runningSum)
    func byte(_ value: Int) -> UInt8 { UInt8(truncatingIfNeeded: value) }
    return (
      Color(
        y: byte((ByteSums.lane(rows, 0) + ByteSums.lane(rows, 1) + 16) >> 5), u: byte(ByteSums.lane(tint, 0) >> 3),
        v: byte(ByteSums.lane(tint, 2) >> 3)),
      Color(
        y: byte((ByteSums.lane(rows, 2) + ByteSums.lane(rows, 3) + 16) >> 5), u: byte(ByteSums.lane(tint, 1) >> 3),
        v: byte(ByteSums.lane(tint, 3) >> 3))
    )
  }

  /// With one pen on one ground the glyph alone says which halves are lit.
  private static func monochrome(upper: Pen, lower: Pen) -> CellLook {
    let lit = Pen(index: 1)
    let glyph: Glyph =
      switch (upper == lit, lower == lit) {
      case (false, false): .space
      case (true, false): Glyph(block: 0)
      case (false, true): .lowerHalf
      case (true, true): .fullBlock
      }
    return CellLook(glyph: glyph, foreground: .standardForeground, background: .standardBackground)
  }
}
