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

  /// Two colours of the palette are mixed when their luma is no farther apart: cells are large, and of what differs in
  /// light one sees the pattern rather than the mixture.
  fileprivate static let ditherReach = 2
  /// Two colours are shown as one when that costs no more than this many times the squared error.
  fileprivate static let flatness: Float = 1.05

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

  /// Whether pens are of any colour.
  var isExact: Bool { palette == nil }

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
    guard palette == nil else { return indexedLook(glyph, ink: ink, ground: ground, column: column, row: row) }
    let (foreground, background) = (Pen(ink), Pen(ground))
    return CellLook(
      glyph: foreground == background ? .space : glyph, foreground: foreground, background: background)
  }

  @inline(never)
  private func indexedLook(_ glyph: Glyph, ink: Color, ground: Color, column: Int, row: Int) -> CellLook {
    if let flat = palette?.flat(ink, ground) {
      let pen = Pen(index: UInt8(TerminalPalette.firstFixed) &+ flat)
      return CellLook(glyph: .space, foreground: pen, background: pen)
    }
    let foreground = pen(ink, column: column, row: row)
    let background = pen(ground, column: column, row: row)
    return CellLook(
      glyph: foreground == background ? .space : glyph, foreground: foreground, background: background)
  }
}

extension PenChooser.Palette {
  /// One colour for two that are alike: the nearest of each would be farther apart than they are, and make grain of what
  /// is nearly flat.
  @inline(__always)
  func flat(_ ink: Color, _ ground: Color) -> UInt8? {
    func middle(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8(truncatingIfNeeded: (Int(a) + Int(b) + 1) >> 1) }
    let (inked, grounded) = (index.nearest(ink), index.nearest(ground))
    if inked == grounded { return inked }
    let single = index.nearest(y: middle(ink.y, ground.y), u: middle(ink.u, ground.u), v: middle(ink.v, ground.v))
    let shown = colors.pointer[Int(single)]
    let apart = colors.pointer[Int(inked)].distance(to: ink) + colors.pointer[Int(grounded)].distance(to: ground)
    let together = shown.distance(to: ink) + shown.distance(to: ground)
    return Float(together) <= PenChooser.flatness * Float(apart) ? single : nil
  }

  /// The nearest colour, or the one on the other side of the wanted, by the place of the cell.
  @inline(__always)
  func choose(_ color: Color, column: Int, row: Int) -> UInt8 {
    let near = index.nearest(color)
    let a = colors.pointer[Int(near)]
    func mirrored(_ wanted: UInt8, _ shown: UInt8) -> UInt8 { UInt8(clamping: 2 * Int(wanted) - Int(shown)) }
    let far = index.nearest(y: mirrored(color.y, a.y), u: mirrored(color.u, a.u), v: mirrored(color.v, a.v))
    if near == far { return near }
    let b = colors.pointer[Int(far)]
    if abs(Int(b.y) - Int(a.y)) > PenChooser.ditherReach { return near }
    let way = SIMD4(Float(b.y) - Float(a.y), Float(b.u) - Float(a.u), Float(b.v) - Float(a.v), 0)
    let wanted = SIMD4(Float(color.y) - Float(a.y), Float(color.u) - Float(a.u), Float(color.v) - Float(a.v), 0)
    let place = (way * wanted).sum() / (way * way).sum()
    let threshold = 0.5 + (OrderedDither.threshold(column: column, row: row) - 0.5) * PenChooser.ditherStrength
    return place > threshold ? far : near
  }
}
