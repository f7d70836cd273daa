/// The whole screen as a value: what every cell shows, where the cursor is, what can be clicked. The driver copies it to
/// the terminal; tests read it.
struct Canvas: Equatable {
  struct Cell: Equatable {
    var glyph = Glyph.space
    var style = Style.text
    /// The right half of a wide glyph: the glyph is in the cell before.
    var isContinuation = false
    /// Belongs to the picture, which is drawn by others: never written to while it stays one.
    var isPicture = false
  }

  /// What a click does.
  enum Target: Equatable {
    case user(String)
    case key(KeyInput)
    case chat
    case input
  }

  let columns: Int
  let rows: Int
  private(set) var cells: [Cell]
  /// Nil: hidden.
  var cursor: (column: Int, row: Int)?
  private(set) var targets: [(rect: Rect, target: Target)] = []

  init(columns: Int, rows: Int) {
    self.columns = max(columns, 0)
    self.rows = max(rows, 0)
    cells = [Cell](repeating: Cell(), count: self.columns * self.rows)
  }

  static func == (a: Canvas, b: Canvas) -> Bool {
    a.columns == b.columns && a.rows == b.rows && a.cells == b.cells && a.cursor?.column == b.cursor?.column
      && a.cursor?.row == b.cursor?.row
  }

  /// The cells of a row.
  subscript(row row: Int) -> ArraySlice<Cell> { cells[row * columns..<(row + 1) * columns] }

  mutating func fill(_ rect: Rect, style: Style) {
    for row in clipped(rect.row..<rect.endRow, to: rows) {
      for column in clipped(rect.column..<rect.endColumn, to: columns) { put(.space, style, column: column, row: row) }
    }
  }

  /// Hands cells over to the picture.
  mutating func reserve(_ rect: Rect) {
    for row in clipped(rect.row..<rect.endRow, to: rows) {
      for column in clipped(rect.column..<rect.endColumn, to: columns) {
        put(.space, .text, column: column, row: row)
        cells[row * columns + column].isPicture = true
      }
    }
  }

  /// Writes text from `column` on, up to but not into `limit`.
  /// - Returns: the column behind the last glyph.
  @discardableResult
  mutating func write(
    _ glyphs: some Sequence<Glyph>, _ style: Style, column: Int, row: Int, limit: Int? = nil
  ) -> Int {
    let limit = min(limit ?? columns, columns)
    var column = column
    guard (0..<rows).contains(row), column >= 0 else { return column }
    for glyph in glyphs {
      guard column + glyph.width <= limit else { break }
      put(glyph, style, column: column, row: row)
      column += glyph.width
    }
    return column
  }

  @discardableResult
  mutating func write(_ text: String, _ style: Style, column: Int, row: Int, limit: Int? = nil) -> Int {
    write(DisplayText.glyphs(text), style, column: column, row: row, limit: limit)
  }

  mutating func addTarget(_ rect: Rect, _ target: Target) {
    targets.append((rect, target))
  }

  /// What is hit by a click; what was added last is on top.
  func target(column: Int, row: Int) -> Target? {
    targets.last { $0.rect.contains(column: column, row: row) }?.target
  }

  /// A box with rounded corners, filled, and a title in its upper border.
  mutating func box(_ rect: Rect, title: String, frame: Style, fill style: Style) {
    fill(rect, style: style)
    guard rect.columns >= 2, rect.rows >= 2 else { return }
    let line = String(repeating: "─", count: rect.columns - 2)
    write("╭\(line)╮", frame, column: rect.column, row: rect.row)
    write("╰\(line)╯", frame, column: rect.column, row: rect.endRow - 1)
    for row in rect.row + 1..<max(rect.endRow - 1, rect.row + 1) {
      write("│", frame, column: rect.column, row: row)
      write("│", frame, column: rect.endColumn - 1, row: row)
    }
    if !title.isEmpty, rect.columns > 8 {
      let shown = DisplayText.truncated(" \(title) ", to: rect.columns - 4)
      write(shown, frame, column: rect.column + 2, row: rect.row)
    }
  }

  private func clipped(_ range: Range<Int>, to limit: Int) -> Range<Int> {
    range.clamped(to: 0..<max(limit, 0))
  }

  private mutating func put(_ glyph: Glyph, _ style: Style, column: Int, row: Int) {
    let index = row * columns + column
    // Half of a wide glyph alone cannot be shown: what is cut becomes a space.
    if cells[index].isContinuation { cells[index - 1] = Cell(style: cells[index - 1].style) }
    let last = index + glyph.width - 1
    if column + glyph.width < columns, cells[last + 1].isContinuation {
      cells[last + 1] = Cell(style: cells[last + 1].style)
    }
    cells[index] = Cell(glyph: glyph, style: style)
    if glyph.width == 2 { cells[last] = Cell(style: style, isContinuation: true) }
  }
}
