/// How much ink of each glyph lies over the sixteen chroma samples of a tile, so that ink and ground get the chroma they
/// lie on.
final class GlyphTints {
  /// For each glyph how many quarters of each sample are ink: of the even rows of two columns of chroma, of the odd ones,
  /// and of the next two columns. In each column the rows of U come before those of V.
  private let weights = Storage(repeating: SIMD8<UInt16>(), count: Glyph.count * TileRow.chromaWords)
  /// Quarters of samples of one plane that are ink, 0...64.
  private let quarters = Storage<UInt8>(repeating: 0, count: Glyph.count)
  /// 65536 / n.
  private let reciprocals = Storage<UInt32>(repeating: 0, count: 65)

  typealias Tint = (u: UInt8, v: UInt8)

  init() {
    for n in 1...64 { reciprocals.pointer[n] = (65536 + UInt32(n) / 2) / UInt32(n) }
    for id in 0..<Glyph.count { setWeights(id) }
  }

  private func setWeights(_ id: Int) {
    var all: UInt8 = 0
    for column in 0..<4 {
      for row in 0..<4 {
        let share = GlyphShape.coverage(
          Glyph(id: UInt16(id)), x: 2 * column..<2 * column + 2, y: 4 * row..<4 * row + 4)
        let weight = UInt8((share * 4).rounded())
        let lanes = weights.pointer + id * TileRow.chromaWords + column / 2 * 2 + row % 2
        let lane = column % 2 * 4 + row / 2
        lanes.pointee[lane] = UInt16(weight)
        lanes.pointee[lane + 2] = UInt16(weight)
        all += weight
      }
    }
    quarters.pointer[id] = all
  }

  /// The mean of a tile.
  @inline(__always)
  func mean(_ chroma: UnsafePointer<UInt64>) -> Tint {
    let (first, second) = (Self.rows(chroma), Self.rows(chroma + 2))
    let sum = Self.planes(first.even &+ first.odd &+ second.even &+ second.odd)
    return tint(of: 4 * sum.u, 4 * sum.v, 64)
  }

  /// The means of ink and ground of a glyph over a tile.
  @inline(__always)
  func means(_ chroma: UnsafePointer<UInt64>, _ glyph: Glyph) -> (ink: Tint, ground: Tint) {
    let weights = UnsafePointer(weights.pointer + Int(glyph.id) * TileRow.chromaWords)
    let (first, second) = (Self.rows(chroma), Self.rows(chroma + 2))
    let all = Self.planes(first.even &+ first.odd &+ second.even &+ second.odd)
    let inked = Self.planes(
      first.even &* weights[0] &+ first.odd &* weights[1] &+ second.even &* weights[2] &+ second.odd &* weights[3])
    let quarters = Int(quarters.pointer[Int(glyph.id)])
    return (
      tint(of: inked.u, inked.v, quarters), tint(of: 4 * all.u - inked.u, 4 * all.v - inked.v, 64 - quarters)
    )
  }

  @inline(__always)
  private func tint(of u: Int, _ v: Int, _ quarters: Int) -> Tint {
    let reciprocal = Int(reciprocals.pointer[quarters])
    @inline(__always) func mean(_ sum: Int) -> UInt8 { UInt8(truncatingIfNeeded: (sum * reciprocal + 32768) >> 16) }
    return (mean(u), mean(v))
  }

  /// The samples of two columns, of the even rows and of the odd ones.
  @inline(__always)
  private static func rows(_ columns: UnsafePointer<UInt64>) -> (even: SIMD8<UInt16>, odd: SIMD8<UInt16>) {
    let samples = UnsafeRawPointer(columns).loadUnaligned(as: SIMD8<UInt16>.self)
    return (samples & 0xFF, samples &>> 8)
  }

  /// The sums of U and V: two lanes of each in each half.
  @inline(__always)
  private static func planes(_ rows: SIMD8<UInt16>) -> (u: Int, v: Int) {
    let words = unsafeBitCast(rows, to: SIMD2<UInt64>.self)
    let both = words[0] &+ words[1]
    let sums = both &+ both &>> 16
    return (ByteSums.lane(sums, 0), ByteSums.lane(sums, 2))
  }
}

/// What a glyph paints, in a cell of 8 by 16 dots.
enum GlyphShape {
  /// How much of some dots is ink, 0...1. Letters count as half ink everywhere.
  static func coverage(_ glyph: Glyph, x: Range<Int>, y: Range<Int>) -> Float {
    var inked: Float = 0
    for x in x { for y in y { inked += coverage(glyph, x: x, y: y) } }
    return inked / Float(x.count * y.count)
  }

  static func coverage(_ glyph: Glyph, x: Int, y: Int) -> Float {
    switch glyph.id {
    case 0x20: return 0
    case ..<Glyph.firstBlock: return 0.5
    case ..<Glyph.firstSextant: return block(Int(glyph.id - Glyph.firstBlock), x: x, y: y)
    case ..<Glyph.firstOctant:
      // Terminals give the sixths whole pixels: 5, 6 and 5 of 16.
      return part(Int(glyph.id - Glyph.firstSextant), 2 * (y < 5 ? 0 : y < 11 ? 1 : 2) + x / 4)
    case ..<Glyph.firstBraille: return part(Int(glyph.id - Glyph.firstOctant), 2 * (y / 4) + x / 4)
    default:
      let isDot = (1...2).contains(x % 4) && (1...2).contains(y % 4)
      return isDot ? part(Int(glyph.id - Glyph.firstBraille), 2 * (y / 4) + x / 4) : 0
    }
  }

  private static func part(_ pattern: Int, _ part: Int) -> Float { Float(pattern >> part & 1) }

  private static func block(_ offset: Int, x: Int, y: Int) -> Float {
    let (isUpper, isLeft) = (y < 8, x < 4)
    if (0x11...0x13).contains(offset) { return Float(offset - 0x10) / 4 }
    let isInk =
      switch offset {
      case 0x00: isUpper
      case 0x01...0x08: y >= 16 - 2 * offset
      case 0x09...0x0F: x < 0x10 - offset
      case 0x10: !isLeft
      case 0x14: y < 2
      case 0x15: x == 7
      case 0x16: !isUpper && isLeft
      case 0x17: !isUpper && !isLeft
      case 0x18: isUpper && isLeft
      case 0x19: !isUpper || isLeft
      case 0x1A: isUpper == isLeft
      case 0x1B: isUpper || isLeft
      case 0x1C: isUpper || !isLeft
      case 0x1D: isUpper && !isLeft
      case 0x1E: isUpper != isLeft
      default: !isUpper || !isLeft
      }
    return isInk ? 1 : 0
  }
}
