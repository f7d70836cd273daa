/// A colour as the terminal is told it: luma and chroma in lanes of ten bits (true colour), the number of a palette entry,
/// or a default pen.
struct Pen: Hashable {
  let value: UInt32

  /// What is there after something unknown was written.
  static var unknown: Pen { Pen(value: .max) }
  /// The terminal's default pens. Reversed (SGR 7) each stands for the other.
  static var standardForeground: Pen { Pen(value: .max - 1) }
  static var standardBackground: Pen { Pen(value: .max - 2) }

  @inline(__always)
  var isColor: Bool { value < 1 << 30 }

  @inline(__always)
  init(value: UInt32) {
    self.value = value
  }

  @inline(__always)
  init(_ color: Color) {
    value = UInt32(color.y) << 20 | UInt32(color.u) << 10 | UInt32(color.v)
  }

  @inline(__always)
  init(index: UInt8) {
    value = UInt32(index)
  }

  /// Of a pen made from a colour.
  @inline(__always)
  var color: Color {
    Color(
      y: UInt8(truncatingIfNeeded: value >> 20), u: UInt8(truncatingIfNeeded: value >> 10),
      v: UInt8(truncatingIfNeeded: value))
  }

  /// ``Color/isNear(_:)`` for pens made from colours.
  @inline(__always)
  func isNear(_ other: Pen) -> Bool {
    // Each lane begins with a bit that a difference of more than the reach takes away.
    let guards: UInt32 = 512 << 20 | 512 << 10 | 512
    let reach = guards | UInt32(Color.lumaReach) << 20 | UInt32(Color.chromaReach) << 10 | UInt32(Color.chromaReach)
    return (reach &+ value &- other.value) & (reach &+ other.value &- value) & guards == guards
  }
}

/// What one cell shows.
struct CellLook: Hashable {
  var glyph: Glyph
  var foreground: Pen
  var background: Pen

  static let unknown = CellLook(glyph: .space, foreground: .unknown, background: .unknown)

  @inline(__always)
  init(glyph: Glyph, foreground: Pen, background: Pen) {
    self.glyph = glyph
    self.foreground = foreground
    self.background = background
  }

  /// A look in the default pens.
  @inline(__always)
  static func standard(_ glyph: Glyph, isReversed: Bool) -> CellLook {
    isReversed
      ? CellLook(glyph: glyph, foreground: .standardBackground, background: .standardForeground)
      : CellLook(glyph: glyph, foreground: .standardForeground, background: .standardBackground)
  }
}
