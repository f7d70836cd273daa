import CNcurses
import Glibc

/// Turns canvases into bytes for the terminal by way of ncurses, which writes only what differs from what it last wrote. It
/// writes to memory: a terminal that stands still would block it, and pictures go to the terminal as well.
final class NcursesScreen {
  private let file: UnsafeMutablePointer<FILE>
  private var shown: Canvas?
  private var needsClearing = true
  private var appearances: [Appearance] = []

  /// Makes a screen that takes the terminal over (alternate screen) when it is first shown.
  /// - Parameters:
  ///   - terminal: what TERM says.
  ///   - hasManyColors: whether the terminal is known to have 256 colours. TERM often understates that.
  init(terminal: String, hasManyColors: Bool) throws(TerminalError) {
    guard let file = glyphone_screen_file() else { throw .system("no memory for its screen", errno) }
    self.file = file
    let isUnderstated = hasManyColors && Self.terminfoColors < 256
    guard
      isUnderstated && glyphone_screen_open("\(terminal)-256color", file) != 0
        || glyphone_screen_open(terminal, file) != 0
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

  /// - Returns: what brings the terminal to this canvas: a synchronized update, which is shown at once by terminals that know
  ///   that; empty if nothing has changed.
  func show(_ canvas: Canvas) -> [UInt8] {
    guard needsClearing || shown != canvas else { return [] }
    write("\u{1B}[?2026h")
    if needsClearing {
      // What ncurses has to say first when the terminal was not ours.
      glyphone_screen_update()
      // With the scrolling margins wide open: a sixel image that reaches a margin scrolls.
      write("\u{1B}[r")
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
    write("\u{1B}[?2026l")
    return takeWritten()
  }

  /// Writes a control sequence between two updates of ncurses, whose own buffer every update empties.
  private func write(_ sequence: StaticString) {
    _ = Glibc.write(fileno(file), sequence.utf8Start, sequence.utf8CodeUnitCount)
  }

  /// Takes what was written since the last time.
  private func takeWritten() -> [UInt8] {
    let descriptor = fileno(file)
    let length = max(lseek(descriptor, 0, SEEK_CUR), 0)
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      count = max(pread(descriptor, buffer.baseAddress, length, 0), 0)
    }
    lseek(descriptor, 0, SEEK_SET)
    return bytes
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

  /// - Returns: what gives the terminal back; the next ``show(_:)`` takes it again.
  func leave() -> [UInt8] {
    endwin()
    shown = nil
    return takeWritten()
  }
}
