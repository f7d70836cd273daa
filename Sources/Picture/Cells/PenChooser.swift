/// Turns shapes in colours into looks in the pens of a terminal with 256 colours or more.
final class PenChooser {
  private let index: ColorIndex?

  /// - Parameter depth: ``ColorDepth/ansi256`` or ``ColorDepth/trueColor``.
  init(depth: ColorDepth) {
    index = depth == .trueColor ? nil : ColorIndex(TerminalPalette.fixed240, lumaWeight: 3)
  }

  @inline(__always)
  private func pen(_ color: Color, column: Int, row: Int) -> Pen {
    guard let index else { return Pen(color) }
    return Pen(index: UInt8(TerminalPalette.firstFixed) &+ index.nearest(color))
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
