/// Which of sixteen pixels are too far from the colour that the screen shows.
struct PixelMarks {
  /// A sample of each of eight pixels: of the even ones, or of the odd ones.
  private typealias Lanes = SIMD8<Int16>

  /// A pixel in each byte; the high bit is set in those that are marked.
  private var first: UInt64
  private var second: UInt64
  /// Whether the screen shows another colour than is wanted for some of them (``Color/displayed``).
  private(set) var hasForeign = false

  /// Marks the pixels whose distance, in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``, is more than a limit.
  @inline(__always)
  init(_ row: SixelPainter.Row, beyond limit: Int32) {
    let pixels = row.memory
    let (blue, red) = (Self.wide(row.blue), Self.wide(row.red))
    // Distances of more than the largest that is counted are marked anyway.
    let half = Lanes(repeating: Int16(truncatingIfNeeded: min(limit / 2, 26_000)))
    let even = Samples(
      luma: Self.even(row.luma), blue: blue, red: red, y: Self.even(pixels.y), u: Self.even(pixels.u),
      v: Self.even(pixels.v))
    let odd = Samples(
      luma: Self.odd(row.luma), blue: blue, red: red, y: Self.odd(pixels.y), u: Self.odd(pixels.u),
      v: Self.odd(pixels.v))
    (first, second) = Self.joined(even.beyond(half), odd.beyond(half))
    if first | second != 0, (even.foreign | odd.foreign).isAnyNegative {
      hasForeign = true
      (first, second) = Self.joined(even.displayed.beyond(half), odd.displayed.beyond(half))
    }
  }

  /// Takes the marks off the pixels from `count` on.
  @inline(__always)
  mutating func limit(to count: Int) {
    if count < 8 { first &= (1 &<< UInt64(8 &* count)) &- 1 }
    if count < 16 { second &= count <= 8 ? 0 : (1 &<< UInt64(8 &* (count &- 8))) &- 1 }
  }

  /// Takes the mark off the first pixel that has one.
  @inline(__always)
  mutating func next() -> Int? {
    if first != 0 {
      defer { first &= first &- 1 }
      return first.trailingZeroBitCount &>> 3
    }
    guard second != 0 else { return nil }
    defer { second &= second &- 1 }
    return second.trailingZeroBitCount &>> 3 &+ 8
  }

  @inline(__always)
  private static func pairs(_ samples: UnsafePointer<UInt8>) -> SIMD8<UInt16> {
    UnsafeRawPointer(samples).loadUnaligned(as: SIMD8<UInt16>.self)
  }

  @inline(__always)
  private static func even(_ samples: UnsafePointer<UInt8>) -> Lanes {
    unsafeBitCast(pairs(samples) & 0xFF, to: Lanes.self)
  }

  @inline(__always)
  private static func odd(_ samples: UnsafePointer<UInt8>) -> Lanes {
    unsafeBitCast(pairs(samples) &>> 8, to: Lanes.self)
  }

  /// Samples of chroma, each for a pair of pixels.
  @inline(__always)
  private static func wide(_ samples: UnsafePointer<UInt8>) -> Lanes {
    Lanes(truncatingIfNeeded: UnsafeRawPointer(samples).loadUnaligned(as: SIMD8<UInt8>.self))
  }

  /// The signs of even and odd pixels, in their order.
  @inline(__always)
  private static func joined(_ even: Lanes, _ odd: Lanes) -> (UInt64, UInt64) {
    let words = unsafeBitCast(((even &>> 8) & 0x80) | (odd & Lanes(repeating: .min)), to: SIMD2<UInt64>.self)
    return (words[0], words[1])
  }

  /// What eight pixels are to be (luma, blue, red), and what they are on the screen (y, u, v).
  private struct Samples {
    var luma: Lanes
    var blue: Lanes
    var red: Lanes
    var y: Lanes
    var u: Lanes
    var v: Lanes

    /// Negative where the distance is more than twice `half`.
    @inline(__always)
    func beyond(_ half: Lanes) -> Lanes {
      let (dy, du, dv) = (luma &- y, blue &- u, red &- v)
      let distance =
        Int16(PaletteLookup.lumaWeight) &* (dy &* dy) &+ Int16(PaletteLookup.chromaWeight) &* (du &* du &+ dv &* dv)
      // Without sign it is right where all three differ by less than 64, and elsewhere it is large.
      let halved = unsafeBitCast(unsafeBitCast(distance, to: SIMD8<UInt16>.self) &>> 1, to: Lanes.self)
      let large = ((dy &+ 64) | (du &+ 64) | (dv &+ 64)) & ~127
      return (half &- halved) | large | large &<< 7 | large &<< 8
    }

    /// Red, green and blue in steps of luma, 0 to 219.
    private var channels: (red: Lanes, green: Lanes, blue: Lanes) {
      @inline(__always) get {
        let (luma, blue, red) = (luma &- 16, blue &- 128, red &- 128)
        return (luma &+ (88 &* red) &>> 6, luma &- (22 &* blue &+ 45 &* red) &>> 6, luma &+ (111 &* blue) &>> 6)
      }
    }

    /// Negative where a channel is out of its range, so that the screen shows another colour (``Color/displayed``).
    var foreign: Lanes {
      @inline(__always) get {
        let (red, green, blue) = channels
        return red | green | blue | (219 &- red) | (219 &- green) | (219 &- blue)
      }
    }

    /// With the colours that the screen would show, nearly.
    var displayed: Samples {
      @inline(__always) get {
        @inline(__always) func positive(_ lanes: Lanes) -> Lanes { lanes & ~(lanes &>> 15) }
        @inline(__always) func clamped(_ lanes: Lanes) -> Lanes { 219 &- positive(219 &- positive(lanes)) }
        let wanted = channels
        let (red, green, blue) = (clamped(wanted.red), clamped(wanted.green), clamped(wanted.blue))
        let luma = (19 &* red &+ 38 &* green &+ 7 &* blue &+ 32) &>> 6
        var result = self
        result.luma = luma &+ 16
        result.blue = (37 &* (blue &- luma) &+ 32) &>> 6 &+ 128
        result.red = (47 &* (red &- luma) &+ 32) &>> 6 &+ 128
        return result
      }
    }
  }
}

extension SIMD8<Int16> {
  fileprivate var isAnyNegative: Bool {
    @inline(__always) get {
      let words = unsafeBitCast(self, to: SIMD2<UInt64>.self)
      return (words[0] | words[1]) & 0x8000_8000_8000_8000 != 0
    }
  }
}
