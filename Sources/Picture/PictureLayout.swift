import Frames

/// How a picture is fitted into a viewport of another shape.
public enum PictureFit: Sendable, Hashable {
  /// As large as it goes with its own shape, centred; the rest is blank.
  case letterbox
  /// Stretched over the whole viewport.
  case stretch
  /// As small as it goes while it covers the whole viewport; what stands out is cut off on both sides.
  case fill
  /// A pixel of the picture is a pixel of the terminal; what has no room is cut off on all sides.
  case actualSize
}

/// What images have to keep to.
struct ImageBounds: Hashable {
  /// The largest image to make.
  var largest: PixelSize
  /// Whether they stay off the screen's last row, because terminals scroll when one reaches it.
  var spareLastRow: Bool

  /// No image is made larger than this on either side, whatever the terminal says of its size and that of its cells.
  static let longestSide = 4096

  init(largest: PixelSize? = nil, spareLastRow: Bool) {
    self.largest = PixelSize(
      width: min(largest?.width ?? Self.longestSide, Self.longestSide),
      height: min(largest?.height ?? Self.longestSide, Self.longestSide))
    self.spareLastRow = spareLastRow
  }

  /// Nil for a mode that is made of characters.
  init?(_ mode: RenderMode, _ capabilities: TerminalCapabilities) {
    switch mode {
    case .sixel: self.init(largest: capabilities.sixel?.largestImage, spareLastRow: true)
    case .iterm2: self.init(spareLastRow: true)
    // The cursor stays where it is, so nothing scrolls.
    case .kitty: self.init(spareLastRow: false)
    case .ascii, .half, .quadrant, .block, .sextant, .octant, .braille: return nil
    }
  }
}

/// Which cells of a viewport hold what.
struct PictureLayout: Hashable {
  /// Everything that is drawn into.
  var area: CellRectangle
  /// The peer's picture, inside the area.
  var picture: CellRectangle
  /// The self view, inside the picture.
  var selfView: CellRectangle?
  /// Whether the self view is shown as in a mirror.
  var mirrorsSelfView = true
  var cellPixels: PixelSize
  /// Rows below the picture into which a band of sixels may reach without coming to the screen's last.
  private(set) var rowsBelow = 0

  /// - Parameter images: what the picture has to keep to if it is made of pixels.
  init(viewport: Viewport, remote: VideoSize?, selfView: VideoSize?, fit: PictureFit, images: ImageBounds?) {
    area = viewport.drawable
    cellPixels = viewport.countedCellPixels
    var inner = area
    if let images {
      if images.spareLastRow {
        // Where nothing is known of the screen, it may end with the viewport.
        let screenRows = viewport.screenRows ?? area.row + area.rows
        inner.rows = max(0, min(inner.rows, screenRows - 1 - inner.row))
      }
      inner.columns = min(inner.columns, images.largest.width / cellPixels.width)
      inner.rows = min(inner.rows, images.largest.height / cellPixels.height)
      inner.column += (area.columns - inner.columns) / 2
    }
    if let remote, fit == .actualSize, !inner.isEmpty {
      picture = Self.actualSize(remote, in: inner, cell: cellPixels)
    } else if let remote, fit == .letterbox, !inner.isEmpty {
      picture = Self.letterbox(remote, in: inner, cell: cellPixels)
    } else {
      picture = inner.isEmpty ? CellRectangle(column: area.column, row: area.row, columns: 0, rows: 0) : inner
    }
    if images?.spareLastRow == true, let screenRows = viewport.screenRows {
      rowsBelow = max(0, screenRows - 1 - picture.row - picture.rows)
    }
    self.selfView = selfView.flatMap { Self.corner($0, of: picture, cell: cellPixels) }
  }

  /// The largest centred rectangle of cells of (nearly) the picture's shape; at least one cell.
  static func letterbox(_ size: VideoSize, in area: CellRectangle, cell: PixelSize) -> CellRectangle {
    var result = area
    let pixels = PixelSize(width: area.columns * cell.width, height: area.rows * cell.height)
    if size.width * pixels.height >= size.height * pixels.width {
      result.rows = rounded(pixels.width * size.height, size.width * cell.height, atMost: area.rows)
    } else {
      result.columns = rounded(pixels.height * size.width, size.height * cell.width, atMost: area.columns)
    }
    result.column += (area.columns - result.columns) / 2
    result.row += (area.rows - result.rows) / 2
    return result
  }

  /// As many cells as the picture has pixels for, centred.
  static func actualSize(_ size: VideoSize, in area: CellRectangle, cell: PixelSize) -> CellRectangle {
    var result = area
    result.columns = rounded(size.width, cell.width, atMost: area.columns)
    result.rows = rounded(size.height, cell.height, atMost: area.rows)
    result.column += (area.columns - result.columns) / 2
    result.row += (area.rows - result.rows) / 2
    return result
  }

  /// What the picture is drawn on, in the terminal's pixels.
  var picturePixels: PixelSize {
    PixelSize(width: picture.columns * cellPixels.width, height: picture.rows * cellPixels.height)
  }

  /// The lower right corner for the self view: a quarter as wide as the picture and at most a third as high, or nothing
  /// where that would be too small to see anything in.
  static func corner(_ size: VideoSize, of picture: CellRectangle, cell: PixelSize) -> CellRectangle? {
    let box = CellRectangle(columns: picture.columns / 4, rows: picture.rows / 3)
    guard box.columns >= 6, box.rows >= 3 else { return nil }
    let inset = letterbox(size, in: box, cell: cell)
    return CellRectangle(
      column: picture.column + picture.columns - inset.columns, row: picture.row + picture.rows - inset.rows,
      columns: inset.columns, rows: inset.rows)
  }

  private static func rounded(_ dividend: Int, _ divisor: Int, atMost limit: Int) -> Int {
    min(max((dividend + divisor / 2) / divisor, 1), limit)
  }
}
