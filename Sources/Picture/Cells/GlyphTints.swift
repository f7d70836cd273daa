/// How much ink of each glyph lies over the sixteen chroma samples of a tile, so that ink and ground get the chroma they
/// lie on.
final class GlyphTints {
  /// For each glyph four columns of chroma (rows of U, then of V): how many quarters of a sample are ink.
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
      var lanes = SIMD8<UInt16>()
      for row in 0..<4 {
        let share = GlyphShape.coverage(
          Glyph(id: UInt16(id)), x: 2 * column..<2 * column + 2, y: 4 * row..<4 * row + 4)
        let weight = UInt8((share * 4).rounded())
        lanes[row] = UInt16(weight)
        lanes[4 + row] = UInt16(weight)
        all += weight
      }
      weights.pointer[id * TileRow.chromaWords + column] = lanes
    }
    quarters.pointer[id] = all
  }

  /// The mean of a tile.
  @inline(__always)
  func mean(_ chroma: UnsafePointer<UInt64>) -> Tint {
    let sums = Self.sums(chroma)
    return tint(of: 4 * Self.sums(sums.lowHalf), 4 * Self.sums(sums.highHalf), 64)
  }

  /// The means of ink and ground of a glyph over a tile.
  @inline(__always)
  func means(_ chroma: UnsafePointer<UInt64>, _ glyph: Glyph) -> (ink: Tint, ground: Tint) {
    let weights = UnsafePointer(weights.pointer + Int(glyph.id) * TileRow.chromaWords)
    let all = Self.sums(chroma)
    var inked = SIMD8<UInt16>()
    for column in 0..<TileRow.chromaWords { inked &+= Self.samples(chroma[column]) &* weights[column] }
    let (u, v) = (4 * Self.sums(all.lowHalf), 4 * Self.sums(all.highHalf))
    let (inkU, inkV) = (Self.sums(inked.lowHalf), Self.sums(inked.highHalf))
    let quarters = Int(quarters.pointer[Int(glyph.id)])
    return (tint(of: inkU, inkV, quarters), tint(of: u - inkU, v - inkV, 64 - quarters))
  }

  @inline(__always)
  private func tint(of u: Int, _ v: Int, _ quarters: Int) -> Tint {
    let reciprocal = Int(reciprocals.pointer[quarters])
    @inline(__always) func mean(_ sum: Int) -> UInt8 { UInt8(truncatingIfNeeded: (sum * reciprocal + 32768) >> 16) }
    return (mean(u), mean(v))
  }

  @inline(__always)
  private static func samples(_ column: UInt64) -> SIMD8<UInt16> {
    SIMD8(truncatingIfNeeded: unsafeBitCast(column, to: SIMD8<UInt8>.self))
  }

  /// The sum of each row.
  @inline(__always)
  private static func sums(_ chroma: UnsafePointer<UInt64>) -> SIMD8<UInt16> {
    samples(chroma[0]) &+ samples(chroma[1]) &+ samples(chroma[2]) &+ samples(chroma[3])
  }

  @inline(__always)
  private static func sums(_ rows: SIMD4<UInt16>) -> Int {
    Int((unsafeBitCast(rows, to: UInt64.self) &* ByteSums.runningSum) &>> 48)
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
