/// Turns colours into pens of the terminal's palette.
final class PenChooser {
  let depth: ColorDepth
  private let index: ColorIndex?

  init(depth: ColorDepth) {
    self.depth = depth
    switch depth {
    case .mono, .trueColor: index = nil
    case .ansi16: index = Self.makeIndex(TerminalPalette.ansi16)
    case .ansi256: index = Self.makeIndex(TerminalPalette.fixed240)
    }
  }

  private static func makeIndex(_ palette: [Color]) -> ColorIndex {
    let index = ColorIndex()
    palette.withUnsafeBufferPointer { index.setPalette($0) }
    return index
  }

  /// The pen for a colour.
  /// - Parameters:
  ///   - column, line: where on the screen, for dithering with few colours; a line is half a cell.
  @inline(__always)
  func pen(_ color: Color, column: Int, line: Int) -> Pen {
    guard let index else {
      if depth == .trueColor { return Pen(color) }
      return Pen(index: Int(color.y) + 7 * Self.dither(column, line) > 126 ? 1 : 0)
    }
    if depth == .ansi256 {
      return Pen(index: UInt8(TerminalPalette.firstFixed) &+ index.nearest(y: color.y, u: color.u, v: color.v))
    }
    let luma = UInt8(clamping: Int(color.y) + 5 * Self.dither(column, line))
    return Pen(index: index.nearest(y: luma, u: color.u, v: color.v))
  }

  /// Ordered dither of 4x4, -15...15.
  @inline(__always)
  private static func dither(_ column: Int, _ line: Int) -> Int {
    let order = SIMD16<Int8>(0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5)
    return Int(order[(line & 3) * 4 + (column & 3)]) * 2 - 15
  }
}
