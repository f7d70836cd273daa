/// A size in pixels of the terminal's screen.
public struct PixelSize: Sendable, Hashable {
  /// Pixels from left to right.
  public var width: Int
  /// Pixels from top to bottom.
  public var height: Int

  /// A size of so many pixels.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// A rectangle of character cells. The origin counts from 0 at the top left of the screen.
public struct CellRectangle: Sendable, Hashable {
  /// The leftmost column.
  public var column: Int
  /// The uppermost row.
  public var row: Int
  /// How many columns there are.
  public var columns: Int
  /// How many rows there are.
  public var rows: Int

  /// A rectangle of cells, in the upper left corner of the screen by default.
  public init(column: Int = 0, row: Int = 0, columns: Int, rows: Int) {
    self.column = column
    self.row = row
    self.columns = columns
    self.rows = rows
  }

  /// Whether no cell is inside.
  public var isEmpty: Bool { columns <= 0 || rows <= 0 }
}

/// The part of the screen a ``Renderer`` draws into, and what is known of the screen around it.
public struct Viewport: Sendable, Hashable {
  /// The largest number of columns or rows that is drawn into; what lies beyond is left alone.
  public static let largestSide = 1024
  /// The largest cell that is believed.
  public static let largestCell = PixelSize(width: 128, height: 256)

  /// The cells to fill. Parts left of or above the screen's origin are not allowed and count as empty.
  public var cells: CellRectangle
  /// Size of one cell in pixels, where the terminal told; without it cells count as half as wide as they are high.
  public var cellPixels: PixelSize?
  /// Rows of the whole screen, where known. Sixel images stay off its last row, because terminals scroll when an image
  /// reaches it.
  public var screenRows: Int?

  /// A part of a screen of which as much is known as is given.
  public init(cells: CellRectangle, cellPixels: PixelSize? = nil, screenRows: Int? = nil) {
    self.cells = cells
    self.cellPixels = cellPixels
    self.screenRows = screenRows
  }

  /// Columns and rows count from 0 at the top left of the screen.
  public init(
    column: Int = 0, row: Int = 0, columns: Int, rows: Int, cellPixels: PixelSize? = nil, screenRows: Int? = nil
  ) {
    self.init(
      cells: CellRectangle(column: column, row: row, columns: columns, rows: rows), cellPixels: cellPixels,
      screenRows: screenRows)
  }

  /// The cells that are really drawn: bounded, and empty when the rectangle makes no sense.
  var drawable: CellRectangle {
    guard cells.column >= 0, cells.row >= 0, cells.column < Self.largestSide, cells.row < Self.largestSide,
      !cells.isEmpty
    else { return CellRectangle(columns: 0, rows: 0) }
    return CellRectangle(
      column: cells.column, row: cells.row, columns: min(cells.columns, Self.largestSide),
      rows: min(cells.rows, Self.largestSide))
  }

  /// The cell size to count with: what the terminal told if it is believable, or 10x20, the cell of a VT340.
  var countedCellPixels: PixelSize {
    let largest = Self.largestCell
    guard let size = cellPixels, (1...largest.width).contains(size.width), (1...largest.height).contains(size.height)
    else { return PixelSize(width: 10, height: 20) }
    return size
  }
}
