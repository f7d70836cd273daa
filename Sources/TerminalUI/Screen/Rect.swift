/// A rectangle of cells; row and column count from 0 at the top left of the screen.
struct Rect: Equatable {
  var column = 0
  var row = 0
  var columns = 0
  var rows = 0

  var isEmpty: Bool { columns <= 0 || rows <= 0 }
  var endColumn: Int { column + columns }
  var endRow: Int { row + rows }

  func contains(column: Int, row: Int) -> Bool {
    (self.column..<max(endColumn, self.column)).contains(column) && (self.row..<max(endRow, self.row)).contains(row)
  }

  /// What is left after taking `count` rows off the top, and what was taken.
  mutating func takeTop(_ count: Int) -> Rect {
    let taken = Rect(column: column, row: row, columns: columns, rows: min(max(count, 0), rows))
    row += taken.rows
    rows -= taken.rows
    return taken
  }

  mutating func takeBottom(_ count: Int) -> Rect {
    let taken = min(max(count, 0), rows)
    rows -= taken
    return Rect(column: column, row: endRow, columns: columns, rows: taken)
  }

  mutating func takeRight(_ count: Int) -> Rect {
    let taken = min(max(count, 0), columns)
    columns -= taken
    return Rect(column: endColumn, row: row, columns: taken, rows: rows)
  }

  /// A rectangle of at most the given size in the middle of this one.
  func centred(columns: Int, rows: Int) -> Rect {
    let columns = min(columns, self.columns)
    let rows = min(rows, self.rows)
    return Rect(
      column: column + (self.columns - columns) / 2, row: row + (self.rows - rows) / 2, columns: columns, rows: rows)
  }
}
