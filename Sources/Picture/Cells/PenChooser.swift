/// Turns shapes in colours into looks in the pens of a terminal with 256 colours or more.
final class PenChooser {
  fileprivate let palette: Palette?

  fileprivate struct Palette {
    let index: ColorIndex
    let colors: Storage<Color>
  }

  /// How far from half a colour's place between two of the palette may be to be shown as either: 0 is no dither, 1 gives
  /// each its share.
  fileprivate static let ditherStrength: Float = 0.25

  /// - Parameter depth: ``ColorDepth/ansi256`` or ``ColorDepth/trueColor``.
  init(depth: ColorDepth) {
    guard depth != .trueColor else {
      palette = nil
      return
    }
    let fixed = TerminalPalette.fixed240
    let colors = Storage(repeating: Color.black, count: fixed.count)
    for (place, color) in fixed.enumerated() { colors.pointer[place] = color }
    palette = Palette(index: ColorIndex(fixed, lumaWeight: 3), colors: colors)
  }

  @inline(__always)
  private func pen(_ color: Color, column: Int, row: Int) -> Pen {
    guard let palette else { return Pen(color) }
    return Pen(index: UInt8(TerminalPalette.firstFixed) &+ palette.choose(color, column: column, row: row))
  }

  /// A cell of one colour.
  @inline(__always)
  func flat(_ color: Color, column: Int, row: Int) -> CellLook {
    let pen = pen(color, column: column, row: row)
    return CellLook(glyph: .space, foreground: pen, background: pen)
  }

  @inline(__always)
  func look(_ glyph: Glyph, ink: Color, ground: Color, column: Int, row: Int) -> CellLook {
    let foreground = pen(ink, column: column, row: row)
    let background = pen(ground, column: column, row: row)
    return CellLook(
      glyph: foreground == background ? .space : glyph, foreground: foreground, background: background)
  }
}

extension PenChooser.Palette {
  /// The nearest colour, or the one on the other side of the wanted, by the place of the cell.
  @inline(__always)
  func choose(_ color: Color, column: Int, row: Int) -> UInt8 {
    let near = index.nearest(color)
    let a = colors.pointer[Int(near)]
    func mirrored(_ wanted: UInt8, _ shown: UInt8) -> UInt8 { UInt8(clamping: 2 * Int(wanted) - Int(shown)) }
    let far = index.nearest(y: mirrored(color.y, a.y), u: mirrored(color.u, a.u), v: mirrored(color.v, a.v))
    if near == far { return near }
    let b = colors.pointer[Int(far)]
    let way = SIMD4(Float(b.y) - Float(a.y), Float(b.u) - Float(a.u), Float(b.v) - Float(a.v), 0)
    let wanted = SIMD4(Float(color.y) - Float(a.y), Float(color.u) - Float(a.u), Float(color.v) - Float(a.v), 0)
    let place = (way * wanted).sum() / (way * way).sum()
    let threshold = 0.5 + (OrderedDither.threshold(column: column, row: row) - 0.5) * PenChooser.ditherStrength
    return place > threshold ? far : near
  }
}
