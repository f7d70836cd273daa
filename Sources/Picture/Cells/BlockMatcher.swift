/// The block element U+2580...259F and the two colours that come nearest to the tile in the sense of least squares: of all
/// ways to cut the tile in two, the one whose two means explain most of its variance.
///
/// For a mask of n out of 64 samples with sum S, of a tile with sum T, that is (64 S - n T)^2 / (n (64 - n)).
struct BlockMatcher: CellMatcher {
  let pens: PenChooser
  let usesBlocks = true
  let seesHalvesOnly = false
  /// A cut that removes no more squared error than this is not worth a second colour.
  let flatness: Float = 48

  /// Cuts, in the order in which they are numbered: above row 1...7 (0...6), left of column 1...7 (8...14), quadrants
  /// upper left, upper right, lower left, lower right (16...19), the diagonal of upper left and lower right (20).
  private static let rowCuts = 0
  private static let columnCuts = 8
  private static let quadrants = 16
  private static let diagonal = 20

  /// 1 / (n (64 - n)), and n, of the eighths.
  private static var eighthWeights: SIMD8<Float> {
    SIMD8(1 / 448, 1 / 768, 1 / 960, 1 / 1024, 1 / 960, 1 / 768, 1 / 448, 0)
  }
  private static var eighthCounts: SIMD8<Float> { SIMD8(8, 16, 24, 32, 40, 48, 56, 0) }
  private static var quadrantWeights: SIMD8<Float> {
    SIMD8(1 / 768, 1 / 768, 1 / 768, 1 / 768, 1 / 1024, 0, 0, 0)
  }
  private static var quadrantCounts: SIMD8<Float> { SIMD8(16, 16, 16, 16, 32, 0, 0, 0) }

  @inline(__always)
  func match(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook {
    let cut = bestCut(luma)
    let tint = TintSums(chroma)
    if cut.gain <= flatness {
      let pen = pens.pen(Color(y: Self.mean(cut.total, 64), u: tint.whole.u, v: tint.whole.v))
      return CellLook(glyph: .space, foreground: pen, background: pen)
    }
    let cutTint = tint.cut(cut.index)
    let first = Color(y: Self.mean(cut.sum, cut.count), u: cutTint.inside.u, v: cutTint.inside.v)
    let second = Color(
      y: Self.mean(cut.total - cut.sum, 64 - cut.count), u: cutTint.outside.u, v: cutTint.outside.v)
    return look(cut: cut.index, first: first, second: second)
  }

  /// The glyph of a cut; `first` is the colour above, left of, or inside of it.
  @inline(__always)
  private func look(cut: Int, first: Color, second: Color) -> CellLook {
    let inside = pens.pen(first)
    let outside = pens.pen(second)
    if inside == outside { return CellLook(glyph: .space, foreground: inside, background: inside) }
    if cut < Self.columnCuts {
      // The lower eighths paint what is below the cut.
      return CellLook(
        glyph: Glyph(block: UInt8(truncatingIfNeeded: 7 - cut)), foreground: outside, background: inside)
    }
    if cut < Self.quadrants {
      return CellLook(
        glyph: Glyph(block: UInt8(truncatingIfNeeded: 0x0F + Self.columnCuts - cut)), foreground: inside,
        background: outside)
    }
    let offsets = SIMD8<UInt8>(0x18, 0x1D, 0x16, 0x17, 0x1A, 0, 0, 0)
    return CellLook(glyph: Glyph(block: offsets[cut & 7]), foreground: inside, background: outside)
  }

  @inline(__always)
  private static func mean(_ sum: Int, _ count: Int) -> UInt8 {
    UInt8(
      truncatingIfNeeded: (UInt32(truncatingIfNeeded: sum) * 2 + UInt32(truncatingIfNeeded: count))
        / UInt32(truncatingIfNeeded: 2 * count))
  }

  /// What was cut off: number of samples and their sum; the sum of the tile; how much squared error the cut removes.
  private struct Cut {
    var index: Int
    var count: Int
    var sum: Int
    var total: Int
    var gain: Float
  }

  @inline(__always)
  private func bestCut(_ luma: UnsafePointer<UInt64>) -> Cut {
    let evenLeft = ByteSums.even(luma[0], luma[1], luma[2], luma[3])
    let oddLeft = ByteSums.odd(luma[0], luma[1], luma[2], luma[3])
    let even = evenLeft &+ ByteSums.even(luma[4], luma[5], luma[6], luma[7])
    let odd = oddLeft &+ ByteSums.odd(luma[4], luma[5], luma[6], luma[7])
    // Lanes: the sums of the first 2, 4, 6, 8 rows; then of the first 1, 3, 5, 7.
    let pairs = (even &+ odd) &* ByteSums.runningSum
    let singles = (pairs &<< 16) &+ even
    let total = ByteSums.lane(pairs, 3)
    let left = (evenLeft &+ oddLeft) &* ByteSums.runningSum
    let upperLeft = ByteSums.lane(left, 1)
    let lowerLeft = ByteSums.lane(left, 3) - upperLeft
    let upper = ByteSums.lane(pairs, 1)
    let upperRight = upper - upperLeft
    let lowerRight = total - upper - lowerLeft

    let rows = SIMD8<Int32>(
      lane(singles, 0), lane(pairs, 0), lane(singles, 1), lane(pairs, 1), lane(singles, 2), lane(pairs, 2),
      lane(singles, 3), 0)
    var columns = SIMD8<Int32>()
    var sum: Int32 = 0
    for index in 0..<7 {
      sum &+= Int32(truncatingIfNeeded: ByteSums.total(luma[index]))
      columns[index] = sum
    }
    let corners = SIMD8<Int32>(
      Int32(truncatingIfNeeded: upperLeft), Int32(truncatingIfNeeded: upperRight),
      Int32(truncatingIfNeeded: lowerLeft), Int32(truncatingIfNeeded: lowerRight),
      Int32(truncatingIfNeeded: upperLeft &+ lowerRight), 0, 0, 0)

    let whole = Float(total)
    var best = Self.tagged(rows, whole, Self.eighthCounts, Self.eighthWeights, Self.rowCuts)
    let byColumn = Self.tagged(columns, whole, Self.eighthCounts, Self.eighthWeights, Self.columnCuts)
    best.replace(with: byColumn, where: byColumn .> best)
    let byCorner = Self.tagged(corners, whole, Self.quadrantCounts, Self.quadrantWeights, Self.quadrants)
    best.replace(with: byCorner, where: byCorner .> best)
    let halves = best.lowHalf.replacing(with: best.highHalf, where: best.highHalf .> best.lowHalf)
    let gain = max(max(halves[0], halves[1]), max(halves[2], halves[3]))
    let index = Int(gain.bitPattern & 31)
    let sums = index < Self.columnCuts ? rows : index < Self.quadrants ? columns : corners
    let count = index < Self.quadrants ? ((index & 7) + 1) * 8 : index < Self.diagonal ? 16 : 32
    return Cut(index: index, count: count, sum: Int(sums[index & 7]), total: total, gain: gain / 64)
  }

  @inline(__always)
  private func lane(_ word: UInt64, _ index: Int) -> Int32 { Int32(truncatingIfNeeded: ByteSums.lane(word, index)) }

  /// Scores whose lowest five bits tell which cut they are of, so that the largest brings its number along.
  @inline(__always)
  private static func tagged(
    _ sums: SIMD8<Int32>, _ total: Float, _ counts: SIMD8<Float>, _ weights: SIMD8<Float>, _ first: Int
  ) -> SIMD8<Float> {
    let difference = SIMD8<Float>(sums) * 64 - counts * total
    let bits = unsafeBitCast(difference * difference * weights, to: SIMD8<UInt32>.self)
    let numbers = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7) | SIMD8(repeating: UInt32(truncatingIfNeeded: first))
    return unsafeBitCast((bits & ~31) | numbers, to: SIMD8<Float>.self)
  }
}

/// U and V of a tile, added up along the cuts of ``BlockMatcher``.
private struct TintSums {
  typealias Tint = (u: UInt8, v: UInt8)

  private let words: (UInt64, UInt64, UInt64, UInt64)

  @inline(__always)
  init(_ chroma: UnsafePointer<UInt64>) {
    words = (chroma[0], chroma[1], chroma[2], chroma[3])
  }

  /// The mean of the whole tile.
  @inline(__always)
  var whole: Tint {
    let sums = sum(of: words.0, words.1, words.2, words.3, rows: 15)
    return (Self.mean(sums.u, 16), Self.mean(sums.v, 16))
  }

  /// The means inside and outside of a cut.
  @inline(__always)
  func cut(_ index: Int) -> (inside: Tint, outside: Tint) {
    let all = sum(of: words.0, words.1, words.2, words.3, rows: 15)
    let inside = doubled(index)
    let outsideCount = 32 - inside.count
    return (
      (Self.mean(inside.u, inside.count), Self.mean(inside.v, inside.count)),
      (Self.mean(2 * all.u - inside.u, outsideCount), Self.mean(2 * all.v - inside.v, outsideCount))
    )
  }

  /// Twice the sums inside of a cut, because odd eighths cut a sample in halves; `count` is of half samples.
  @inline(__always)
  private func doubled(_ index: Int) -> (u: Int, v: Int, count: Int) {
    if index >= 16 {
      let left = index & 1 == 0
      let a = left ? words.0 : words.2
      let b = left ? words.1 : words.3
      if index == 20 {
        let first = sum(of: words.0, words.1, 0, 0, rows: 3)
        let second = sum(of: words.2, words.3, 0, 0, rows: 12)
        return (2 * (first.u + second.u), 2 * (first.v + second.v), 16)
      }
      let corner = sum(of: a, b, 0, 0, rows: index < 18 ? 3 : 12)
      return (2 * corner.u, 2 * corner.v, 8)
    }
    let eighths = (index & 7) + 1
    let low: (u: Int, v: Int)
    let high: (u: Int, v: Int)
    if index < 8 {
      low = rowsAbove(eighths / 2)
      high = rowsAbove((eighths + 1) / 2)
    } else {
      low = columnsBefore(eighths / 2)
      high = columnsBefore((eighths + 1) / 2)
    }
    return (low.u + high.u, low.v + high.v, 4 * eighths)
  }

  @inline(__always)
  private func rowsAbove(_ count: Int) -> (u: Int, v: Int) {
    sum(of: words.0, words.1, words.2, words.3, rows: (1 << count) - 1)
  }

  @inline(__always)
  private func columnsBefore(_ count: Int) -> (u: Int, v: Int) {
    sum(
      of: count > 0 ? words.0 : 0, count > 1 ? words.1 : 0, count > 2 ? words.2 : 0, count > 3 ? words.3 : 0,
      rows: 15)
  }

  /// Sums over up to four columns of the rows in a set (bit 0 the uppermost).
  @inline(__always)
  private func sum(of a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, rows: Int) -> (u: Int, v: Int) {
    // Spread the four bits to four bytes, and take both halves of the word alike.
    let spread = (UInt64(truncatingIfNeeded: rows & 15) &* 0x0020_4081 & 0x0101_0101) &* 0xFF
    let mask = spread | spread &<< 32
    let lanes =
      ByteSums.even(a & mask, b & mask, c & mask, d & mask)
      &+ ByteSums.odd(a & mask, b & mask, c & mask, d & mask)
    return (ByteSums.lane(lanes, 0) + ByteSums.lane(lanes, 1), ByteSums.lane(lanes, 2) + ByteSums.lane(lanes, 3))
  }

  @inline(__always)
  private static func mean(_ sum: Int, _ count: Int) -> UInt8 {
    UInt8(
      truncatingIfNeeded: (UInt32(truncatingIfNeeded: sum) + UInt32(truncatingIfNeeded: count / 2))
        / UInt32(truncatingIfNeeded: count))
  }
}
