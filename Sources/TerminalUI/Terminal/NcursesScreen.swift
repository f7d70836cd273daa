import CNcurses

/// Copies canvases to the terminal through ncurses, which writes only what differs from what it last wrote.
final class NcursesScreen {
  private var shown: Canvas?
  private var needsClearing = true
  private var appearances: [Appearance] = []

  /// Takes the terminal over (alternate screen, raw mode).
  /// - Parameters:
  ///   - terminal: what TERM says.
  ///   - hasManyColors: whether the terminal is known to have 256 colours. TERM often understates that.
  init(terminal: String, hasManyColors: Bool) throws(TerminalError) {
    let isUnderstated = hasManyColors && Self.terminfoColors < 256
    guard isUnderstated && glyphone_screen_open("\(terminal)-256color") != 0 || glyphone_screen_open(terminal) != 0
    else { throw .unknownTerminal(terminal) }
    let colors = Int(glyphone_screen_colors())
    appearances = Style.allCases.map { Theme.appearance($0, colors: colors) }
    guard colors >= 8 else { return }
    for (index, appearance) in appearances.enumerated() {
      init_pair(Int16(index + 1), Int16(appearance.foreground), Int16(appearance.background))
    }
  }

  /// The number of colours terminfo gives to this terminal.
  static var terminfoColors: Int { Int(glyphone_terminfo_number("colors")) }

  /// Brings the screen to this canvas.
  func show(_ canvas: Canvas) {
    guard needsClearing || shown != canvas else { return }
    // A synchronized update: the terminal shows all of it at once. Those that do not know it ignore it.
    glyphone_screen_control("\u{1B}[?2026h")
    if needsClearing {
      // What ncurses has to say first when the terminal was not ours.
      glyphone_screen_update()
      // With the scrolling margins wide open: a sixel image that reaches a margin scrolls.
      glyphone_screen_control("\u{1B}[r")
      glyphone_screen_clear_on_update()
    }
    for row in 0..<canvas.rows where needsClearing || !isShown(row, of: canvas) {
      put(canvas[row: row], row: row)
      // Row by row, or ncurses would recognise moved rows and scroll them, and the picture beside them as well.
      if !needsClearing { glyphone_screen_update() }
    }
    needsClearing = false
    shown = canvas
    if let cursor = canvas.cursor { glyphone_screen_move(Int32(cursor.row), Int32(cursor.column)) }
    curs_set(canvas.cursor == nil ? 0 : 1)
    glyphone_screen_update()
    glyphone_screen_control("\u{1B}[?2026l")
  }

  private func isShown(_ row: Int, of canvas: Canvas) -> Bool {
    guard let shown, shown.columns == canvas.columns, shown.rows == canvas.rows else { return false }
    return shown[row: row] == canvas[row: row]
  }

  private func put(_ cells: ArraySlice<Canvas.Cell>, row: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Glyph.maximumMarks + 2) { text in
      for (column, cell) in cells.enumerated() where !cell.isContinuation {
        // Not a blank: ncurses would clear a blank end of line with one sequence, and with it the picture.
        text[0] = cell.isPicture ? 0xA0 : cell.glyph.base.value
        var length = 1
        for mark in cell.glyph.marks {
          text[length] = mark.value
          length += 1
        }
        text[length] = 0
        let style = Int(cell.style.rawValue)
        glyphone_put(
          Int32(row), Int32(column), text.baseAddress, appearances[style].attributes.rawValue,
          glyphone_screen_colors() >= 8 ? Int32(style + 1) : 0)
      }
    }
  }

  /// The next update writes every cell: something else wrote to the terminal.
  func invalidate() {
    needsClearing = true
  }

  func resize(columns: Int, rows: Int) {
    resize_term(Int32(rows), Int32(columns))
    shown = nil
    invalidate()
  }

  /// Gives the terminal back; the next ``show(_:)`` takes it again.
  func leave() {
    endwin()
    shown = nil
  }
}
