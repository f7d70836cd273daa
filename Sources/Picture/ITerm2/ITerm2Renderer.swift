import Frames

/// Draws pictures with iTerm2's inline images: a PNG for each part that changed.
final class ITerm2Renderer: PixelCanvas {
  let layout: PictureLayout
  private let stage: PixelStage
  private let changes: ChangeMap
  private let encoder: PNGEncoder
  private var isWhole = true
  private var raster: PixelRaster { stage.raster }

  /// What samples may stray before they are followed.
  private static let noise: (luma: UInt8, chroma: UInt8) = (3, 5)

  init(layout: PictureLayout) {
    self.layout = layout
    stage = PixelStage(
      layout: layout, height: layout.picture.rows * layout.cellPixels.height, noise: Self.noise)
    changes = ChangeMap(rows: layout.picture.rows, cellWidth: layout.cellPixels.width)
    encoder = PNGEncoder(width: stage.raster.width)
  }

  func invalidate() {
    isWhole = true
  }

  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda _: Double, into writer: TerminalWriter) -> Int {
    guard raster.height > 0 else { return 0 }
    if stage.take(remote: remote, selfView: selfView, isWhole: isWhole) { isWhole = true }
    defer { isWhole = false }
    changes.clear()
    if isWhole {
      for row in 0..<layout.picture.rows { changes.note(row: row, 0..<raster.width) }
    } else {
      changes.note(raster, cellHeight: layout.cellPixels.height)
    }
    var cells = 0
    changes.forEachPart { cells += image($0, writer) }
    return cells
  }

  /// Sends an image of some rows and whole columns of cells; returns how many it covers.
  private func image(_ part: ChangeMap.Part, _ writer: TerminalWriter) -> Int {
    let (width, height) = (layout.cellPixels.width, layout.cellPixels.height)
    let columns = (part.columns.count + width - 1) / width
    let end = min(part.columns.lowerBound + columns * width, raster.width)
    let png = encoder.encode(
      raster, rows: part.rows.lowerBound * height..<part.rows.upperBound * height,
      columns: part.columns.lowerBound..<end)
    var pen = writer.begin(atMost: Base64.length(png.count) + 192)
    pen.moveTo(
      column: layout.picture.column + part.columns.lowerBound / width, row: layout.picture.row + part.rows.lowerBound)
    pen.literal("\u{1B}]1337;File=inline=1;preserveAspectRatio=0;doNotMoveCursor=1;size=")
    pen.number(png.count)
    pen.literal(";width=")
    pen.number(columns)
    pen.literal(";height=")
    pen.number(part.rows.count)
    pen.byte(0x3A)
    Base64.write(png, into: &pen)
    pen.byte(0x07)
    writer.finish(pen)
    return part.rows.count * columns
  }
}
