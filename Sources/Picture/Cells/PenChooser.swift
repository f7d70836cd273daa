/// Turns colours into pens of a terminal with 256 colours or more.
final class PenChooser {
  /// Whether pens are the colours themselves.
  let isExact: Bool
  private let index: ColorIndex?

  /// - Parameter depth: ``ColorDepth/ansi256`` or ``ColorDepth/trueColor``.
  init(depth: ColorDepth) {
    isExact = depth == .trueColor
    index = isExact ? nil : ColorIndex(TerminalPalette.fixed240, lumaWeight: 3)
  }

  @inline(__always)
  func pen(_ color: Color) -> Pen {
    guard let index else { return Pen(color) }
    return Pen(index: UInt8(TerminalPalette.firstFixed) &+ index.nearest(color))
  }
}
