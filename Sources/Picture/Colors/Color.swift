/// A colour as the codec carries it: BT.601, limited range.
struct Color: Hashable {
  var y: UInt8
  var u: UInt8
  var v: UInt8

  static let black = Color(y: 16, u: 128, v: 128)

  @inline(__always)
  init(y: UInt8, u: UInt8, v: UInt8) {
    self.y = y
    self.u = u
    self.v = v
  }

  /// From red, green and blue of 0...255.
  init(red: Int, green: Int, blue: Int) {
    func sample(_ offset: Int, _ r: Int, _ g: Int, _ b: Int) -> UInt8 {
      UInt8(clamping: offset + (r * red + g * green + b * blue + 32768) >> 16)
    }
    y = sample(16, 16829, 33039, 6416)
    u = sample(128, -9714, -19071, 28784)
    v = sample(128, 28784, -24103, -4681)
  }

  /// Red, green and blue of 0...255.
  @inline(__always)
  var rgb: (red: Int, green: Int, blue: Int) {
    let wanted = unboundedRGB
    @inline(__always) func clamped(_ value: Int) -> Int { min(max(value, 0), 255) }
    return (clamped(wanted.red), clamped(wanted.green), clamped(wanted.blue))
  }

  /// The same as formulas have it, perhaps below 0 or above 255.
  @inline(__always)
  private var unboundedRGB: (red: Int, green: Int, blue: Int) {
    let luma = BT601.luma(y)
    let chroma = BT601.chroma(u: u, v: v)
    return (
      Int((luma &+ chroma.red) >> 16), Int((luma &+ chroma.green) >> 16), Int((luma &+ chroma.blue) >> 16)
    )
  }

  /// The colour that screens show for this one: another where red, green or blue would be below 0 or above 255, which
  /// noise makes of what is dark or bright.
  @inline(__always)
  var displayed: Color {
    let (red, green, blue) = unboundedRGB
    let isShown = red | green | blue | (255 &- red) | (255 &- green) | (255 &- blue) >= 0
    return isShown ? self : shownElsewhere
  }

  @inline(never)
  private var shownElsewhere: Color {
    let shown = rgb
    return Color(red: shown.red, green: shown.green, blue: shown.blue)
  }

  /// Squared difference, luma and chroma alike.
  func distance(to other: Color) -> Int {
    let difference = (Int(y) - Int(other.y), Int(u) - Int(other.u), Int(v) - Int(other.v))
    return difference.0 * difference.0 + difference.1 * difference.1 + difference.2 * difference.2
  }

  /// Differences that nobody sees side by side.
  static let lumaReach = 1
  static let chromaReach = 2

  /// Close enough that nobody sees the difference.
  @inline(__always)
  func isNear(_ other: Color) -> Bool { Pen(self).isNear(Pen(other)) }
}
