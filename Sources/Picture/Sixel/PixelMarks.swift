/// Sixteen pixels of a row at a time: the colours they are to have, and which of them are too far from what the screen
/// shows.
final class PixelMarks {
  /// A sample of each of eight pixels: of the even ones, or of the odd ones.
  private typealias Lanes = SIMD8<Int16>
  private typealias Samples = SIMD16<UInt8>

  static let count = 16
  private let samples = Storage<UInt8>(repeating: 0, count: 3 * count)
  private let distances = Storage<UInt16>(repeating: 0, count: count)

  /// The colours that the screen should show.
  var luma: UnsafePointer<UInt8> { UnsafePointer(samples.pointer) }
  var blue: UnsafePointer<UInt8> { luma + Self.count }
  var red: UnsafePointer<UInt8> { luma + 2 * Self.count }

  /// Differences are counted up to this, so that a distance of three fits into 15 bits.
  private static let farthest: UInt8 = 50
  /// A distance of so much or more is perhaps one of more.
  static let largest = PaletteLookup.chromaWeight * Int32(farthest) * Int32(farthest)

  /// The distance of a pixel from what the screen shows, in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``, or
  /// ``largest`` and more for a larger one.
  @inline(__always)
  func distance(_ x: Int) -> Int32 {
    Int32(distances.pointer[(x & 1) &<< 3 | x &>> 1])
  }

  /// Looks at the first sixteen pixels of a row.
  /// - Returns: a bit for each pixel, the first lowest: whether its distance is more than a limit. If there is one, the
  ///   colours and distances of all sixteen are known after that.
  @inline(__always)
  func mark(_ row: SixelPainter.Row, beyond limit: Int32) -> UInt32 {
    let pixels = row.memory
    let shown = (Samples(loading: pixels.y), Samples(loading: pixels.u), Samples(loading: pixels.v))
    let limit = Lanes(repeating: Int16(truncatingIfNeeded: min(limit, Self.largest &- 1)))
    var wanted = (Samples(loading: row.luma), Samples(doubling: row.blue), Samples(doubling: row.red))
    var (even, odd) = Self.distances(wanted, shown)
    if !((limit &- even) | (limit &- odd)).isAnyNegative { return 0 }
    if let displayed = Self.displayed(row) {
      wanted = displayed
      (even, odd) = Self.distances(wanted, shown)
    }
    keep(wanted.0, at: 0)
    keep(wanted.1, at: 1)
    keep(wanted.2, at: 2)
    let target = UnsafeMutableRawPointer(distances.pointer)
    target.storeBytes(of: even, as: Lanes.self)
    target.storeBytes(of: odd, toByteOffset: 2 * Self.count / 2, as: Lanes.self)
    return Self.signs(even: limit &- even, odd: limit &- odd)
  }

  @inline(__always)
  private func keep(_ samples: Samples, at index: Int) {
    UnsafeMutableRawPointer(self.samples.pointer)
      .storeBytes(of: samples, toByteOffset: index * Self.count, as: Samples.self)
  }

  /// The distances of even and odd pixels.
  @inline(__always)
  private static func distances(
    _ a: (Samples, Samples, Samples), _ b: (Samples, Samples, Samples)
  ) -> (even: Lanes, odd: Lanes) {
    let y = a.0.distance(to: b.0).capped(at: farthest)
    let u = a.1.distance(to: b.1).capped(at: farthest)
    let v = a.2.distance(to: b.2).capped(at: farthest)
    return (distance(y.even, u.even, v.even), distance(y.odd, u.odd, v.odd))
  }

  @inline(__always)
  private static func distance(_ y: Lanes, _ u: Lanes, _ v: Lanes) -> Lanes {
    Int16(PaletteLookup.lumaWeight) &* (y &* y) &+ Int16(PaletteLookup.chromaWeight) &* (u &* u &+ v &* v)
  }

  /// A bit for each pixel, set where the lane is negative.
  @inline(__always)
  private static func signs(even: Lanes, odd: Lanes) -> UInt32 {
    let bytes = unsafeBitCast(((even &>> 8) & 0x80) | (odd & Lanes(repeating: .min)), to: Samples.self)
    @inline(__always) func packed(_ word: UInt64) -> UInt32 {
      UInt32(truncatingIfNeeded: ((word &>> 7) &* 0x0102_0408_1020_4080) &>> 56)
    }
    let (first, second) = bytes.words
    return packed(first) | packed(second) &<< 8
  }

  /// The colours that the screen would show of the raster's, nearly, where any of the sixteen is one that it cannot show
  /// as it is (``Color/displayed``).
  @inline(__always)
  private static func displayed(_ row: SixelPainter.Row) -> (Samples, Samples, Samples)? {
    let luma = Samples(loading: row.luma)
    let (blue, red) = (Lanes(widening: row.blue), Lanes(widening: row.red))
    let chroma = Chroma(blue &- 128, red &- 128)
    let (even, odd) = (luma.even, luma.odd)
    guard chroma.isForeign(even) || chroma.isForeign(odd) else { return nil }
    let (first, second) = (chroma.correction(even), chroma.correction(odd))
    return (
      Samples(even: even &+ first.luma, odd: odd &+ second.luma),
      Samples(even: blue &+ first.blue, odd: blue &+ second.blue),
      Samples(even: red &+ first.red, odd: red &+ second.red)
    )
  }

  /// What the chroma of eight pixels adds to their luma for red, green and blue, in steps of luma.
  private struct Chroma {
    var red: Lanes
    var green: Lanes
    var blue: Lanes

    /// The lumas of black and white: the range of each channel.
    private static let black: Int16 = 16
    private static let white: Int16 = 235

    @inline(__always)
    init(_ u: Lanes, _ v: Lanes) {
      red = (175 &* v &+ 64) &>> 7
      green = (64 &- 43 &* u &- 89 &* v) &>> 7
      blue = (222 &* u &+ 64) &>> 7
    }

    /// Whether any channel is out of its range.
    @inline(__always)
    func isForeign(_ luma: Lanes) -> Bool {
      let top = red.larger(green).larger(blue) &+ luma
      let bottom = red.smaller(green).smaller(blue) &+ luma
      return ((bottom &- Self.black) | (Self.white &- top)).isAnyNegative
    }

    /// What is to be added to the colours to have every channel in its range. It is nothing where they are.
    @inline(__always)
    func correction(_ luma: Lanes) -> (luma: Lanes, blue: Lanes, red: Lanes) {
      @inline(__always) func excess(_ channel: Lanes) -> Lanes {
        let value = channel &+ luma
        return value.larger(Lanes(repeating: Self.black)).smaller(Lanes(repeating: Self.white)) &- value
      }
      let (red, green, blue) = (excess(red), excess(green), excess(blue))
      let luma = (38 &* red &+ 75 &* green &+ 15 &* blue &+ 64) &>> 7
      return (luma, (74 &* (blue &- luma) &+ 64) &>> 7, (93 &* (red &- luma) &+ 64) &>> 7)
    }
  }
}
