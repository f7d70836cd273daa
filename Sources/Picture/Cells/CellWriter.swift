/// Writes looks to the terminal with as few bytes as it can: pens that are near enough are kept, glyph and pens are turned
/// round where that saves one, and the cursor moves only over gaps.
struct CellWriter {
  var pen: BytePen
  let depth: ColorDepth
  let repertoire: Repertoire
  private let glyphs = GlyphTable.shared.entries
  private let colorCost: Int
  private var foreground = Pen.unknown
  private var background = Pen.unknown
  private var column = -1
  private var row = -1
  private var isFirst = true

  /// What may be written besides the looks asked for.
  enum Repertoire {
    case ascii
    /// A full block may stand for a space, and a glyph for its inverse.
    case blocks
  }

  /// Hardly a change takes fewer bytes: a glyph and a pen, or half a pen where a look is so quickly found that it is worth
  /// trying.
  func leastBytes(for detail: CellDetail) -> Float {
    Float(3 + (detail == .full ? colorCost : colorCost / 2))
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

  @inline(__always)
  func plan(_ look: CellLook, column: Int, row: Int) -> Plan {
    let move = row == self.row ? (column == self.column ? 0 : 4) : 7
    if look.glyph == .space {
      if let background = matching(look.background, background) {
        return Plan(look: CellLook(glyph: .space, foreground: foreground, background: background), bytes: move + 1)
      }
      if repertoire == .blocks, let ink = matching(look.background, foreground) {
        return Plan(look: CellLook(glyph: .fullBlock, foreground: ink, background: background), bytes: move + 3)
      }
      return Plan(
        look: CellLook(
          glyph: .space, foreground: depth == .mono ? look.foreground : foreground, background: look.background),
        bytes: move + 1 + colorCost)
    }
    let straight = dressed(look)
    let entry = glyphs[Int(look.glyph.id)]
    let own = move + Int(entry.byteCount)
    if straight.bytes > 0, entry.hasInverse {
      let turned = dressed(CellLook(glyph: entry.inverse, foreground: look.background, background: look.foreground))
      if turned.bytes < straight.bytes { return Plan(look: turned.look, bytes: turned.bytes + own) }
    }
    return Plan(look: straight.look, bytes: straight.bytes + own)
  }

  /// A look with the current pens where they will do, and the bytes for those that will not.
  @inline(__always)
  private func dressed(_ look: CellLook) -> Plan {
    let ink = matching(look.foreground, foreground)
    let ground = matching(look.background, background)
    return Plan(
      look: CellLook(glyph: look.glyph, foreground: ink ?? look.foreground, background: ground ?? look.background),
      bytes: (ink == nil ? colorCost : 0) + (ground == nil ? colorCost : 0))
  }

  /// The current pen if it will do for the wanted one.
  @inline(__always)
  private func matching(_ wanted: Pen, _ current: Pen) -> Pen? {
    if wanted == current { return current }
    guard depth == .trueColor, current.isColor, wanted.isColor else { return nil }
    return wanted.isNear(current) ? current : nil
  }

  /// Whether a cell that shows `shown` already looks like `wanted`.
  @inline(__always)
  func isShown(_ wanted: CellLook, by shown: CellLook) -> Bool {
    if shown.background == .unknown { return false }
    if wanted.glyph == .space {
      if shown.glyph == .space { return matching(wanted.background, shown.background) != nil }
      return shown.glyph == .fullBlock && matching(wanted.background, shown.foreground) != nil
    }
    if wanted.glyph == shown.glyph {
      return matching(wanted.foreground, shown.foreground) != nil
        && matching(wanted.background, shown.background) != nil
    }
    let entry = glyphs[Int(wanted.glyph.id)]
    return entry.hasInverse && entry.inverse == shown.glyph && matching(wanted.foreground, shown.background) != nil
      && matching(wanted.background, shown.foreground) != nil
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
