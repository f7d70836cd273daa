/// Writes looks to the terminal with as few bytes as it can: pens that are near enough are kept, glyph and pens are turned
/// round where that saves one, and the cursor moves only over gaps.
struct CellWriter {
  var pen: BytePen
  let depth: ColorDepth
  let repertoire: Repertoire
  private let glyphs = GlyphTable.shared.entries
  /// What a pen takes, about.
  let colorCost: Int
  private(set) var foreground = Pen.unknown
  private(set) var background = Pen.unknown
  private var column = -1
  private var row = -1
  private var isFirst = true

  /// What may be written besides the looks asked for.
  enum Repertoire {
    case ascii
    /// A full block may stand for a space, and a glyph for its inverse.
    case blocks
  }

  /// Hardly a change takes fewer bytes: a cursor move, a glyph and a pen, or half of that where a look is so quickly found
  /// that it is worth trying.
  func leastBytes(for detail: CellDetail) -> Float {
    Float(3 + (detail == .full ? colorCost + 4 : colorCost / 2))
  }

  /// No cell takes more bytes: a cursor move, two pens, a glyph.
  static let mostBytesPerCell = 64

  init(pen: BytePen, depth: ColorDepth, repertoire: Repertoire) {
    self.pen = pen
    self.depth = depth
    self.repertoire = repertoire
    colorCost =
      switch depth {
      case .mono: 5
      case .ansi8, .ansi16: 4
      case .ansi256: 9
      case .trueColor: 17
      }
  }

  /// Goes on writing in other memory.
  mutating func resume(_ pen: BytePen) {
    self.pen = pen
  }

  /// A look as it would be written now, and about how many bytes that takes.
  struct Plan {
    var look: CellLook
    var bytes: Int
  }

  /// About how many bytes it takes to get to a cell.
  @inline(__always)
  func bytesToMove(column: Int, row: Int) -> Int { row == self.row ? (column == self.column ? 0 : 4) : 7 }

  @inline(__always)
  func plan(_ look: CellLook, column: Int, row: Int) -> Plan {
    let move = bytesToMove(column: column, row: row)
    if look.glyph == .space {
      if does(background, for: look.background) {
        return Plan(look: CellLook(glyph: .space, foreground: foreground, background: background), bytes: move + 1)
      }
      if repertoire == .blocks, does(foreground, for: look.background) {
        return Plan(look: CellLook(glyph: .fullBlock, foreground: foreground, background: background), bytes: move + 3)
      }
      return Plan(
        look: CellLook(
          glyph: .space, foreground: depth == .mono ? look.foreground : foreground, background: look.background),
        bytes: move + 1 + colorCost)
    }
    let entry = glyphs[Int(look.glyph.id)]
    let straight = fit(look.foreground, look.background)
    if straight.count < 2, entry.hasInverse {
      let turned = fit(look.background, look.foreground)
      if turned.count > straight.count {
        let inverse = CellLook(glyph: entry.inverse, foreground: look.background, background: look.foreground)
        return dressed(inverse, turned, bytes: move + Int(entry.byteCount))
      }
    }
    return dressed(look, straight, bytes: move + Int(entry.byteCount))
  }

  /// Which of the current pens will do.
  private struct Fit {
    var ink: Bool
    var ground: Bool
    var count: Int { (ink ? 1 : 0) + (ground ? 1 : 0) }
  }

  @inline(__always)
  private func fit(_ ink: Pen, _ ground: Pen) -> Fit {
    Fit(ink: does(foreground, for: ink), ground: does(background, for: ground))
  }

  /// A look with the current pens where they will do, and the bytes for those that will not.
  @inline(__always)
  private func dressed(_ look: CellLook, _ fit: Fit, bytes: Int) -> Plan {
    Plan(
      look: CellLook(
        glyph: look.glyph, foreground: fit.ink ? foreground : look.foreground,
        background: fit.ground ? background : look.background),
      bytes: bytes + (2 - fit.count) * colorCost)
  }

  /// Whether a pen will do for the wanted one.
  @inline(__always)
  private func does(_ pen: Pen, for wanted: Pen) -> Bool {
    wanted == pen || (depth == .trueColor && pen.isColor && wanted.isColor && wanted.isNear(pen))
  }

  /// Whether a cell that shows `shown` already looks like `wanted`.
  @inline(__always)
  func isShown(_ wanted: CellLook, by shown: CellLook) -> Bool {
    if shown.background == .unknown { return false }
    if wanted.glyph == .space {
      if shown.glyph == .space { return does(shown.background, for: wanted.background) }
      return shown.glyph == .fullBlock && does(shown.foreground, for: wanted.background)
    }
    if wanted.glyph == shown.glyph {
      return does(shown.foreground, for: wanted.foreground)
        && does(shown.background, for: wanted.background)
    }
    let entry = glyphs[Int(wanted.glyph.id)]
    return entry.hasInverse && entry.inverse == shown.glyph && does(shown.background, for: wanted.foreground)
      && does(shown.foreground, for: wanted.background)
  }

  /// Writes a planned look. Needs ``mostBytesPerCell`` bytes of room.
  @inline(__always)
  mutating func write(_ look: CellLook, column: Int, row: Int) {
    if row != self.row {
      pen.moveTo(column: column, row: row)
    } else if column != self.column {
      pen.moveRight(column - self.column)
    }
    self.row = row
    self.column = column + 1
    take(look)
    let entry = glyphs[Int(look.glyph.id)]
    pen.packed(entry.bytes, count: Int(entry.byteCount))
  }

  @inline(__always)
  private mutating func take(_ look: CellLook) {
    let newForeground = look.foreground != foreground
    let newBackground = look.background != background
    guard newForeground || newBackground else { return }
    // Whoever wrote to the terminal before may have left attributes.
    if isFirst { pen.literal("\u{1B}[0;") } else { pen.literal("\u{1B}[") }
    isFirst = false
    if depth == .mono {
      // Without colours the pens can only be exchanged.
      pen.number(look.foreground == .standardBackground ? 7 : 27)
      pen.byte(0x6D)
      (foreground, background) = (look.foreground, look.background)
      return
    }
    if newForeground {
      color(look.foreground, isBackground: false)
      foreground = look.foreground
    }
    if newBackground {
      if newForeground { pen.byte(0x3B) }
      color(look.background, isBackground: true)
      background = look.background
    }
    pen.byte(0x6D)
  }

  /// The parameters of SGR for one pen.
  @inline(__always)
  private mutating func color(_ wanted: Pen, isBackground: Bool) {
    switch depth {
    case .trueColor:
      if isBackground { pen.literal("48;2;") } else { pen.literal("38;2;") }
      let rgb = wanted.color.rgb
      pen.small(rgb.red)
      pen.byte(0x3B)
      pen.small(rgb.green)
      pen.byte(0x3B)
      pen.small(rgb.blue)
    case .ansi256:
      if isBackground { pen.literal("48;5;") } else { pen.literal("38;5;") }
      pen.small(Int(wanted.value))
    case .ansi8, .ansi16, .mono:
      let number = Int(wanted.value)
      pen.number((number < 8 ? 30 + number : 82 + number) + (isBackground ? 10 : 0))
    }
  }
}
