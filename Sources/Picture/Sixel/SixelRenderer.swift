import Frames

/// Draws pictures with sixels: a palette for each scene, pixels that ignore noise, and images of only what changed.
final class SixelRenderer: PixelCanvas {
  let layout: PictureLayout
  private let support: SixelSupport
  private let stage: PixelStage
  private let encoder: SixelEncoder
  private let palette: ScenePalette
  private let indices: Storage<UInt8>
  private let shown: Storage<UInt8>
  private let changes: ChangeMap
  private var isWhole = true
  /// Whether the screen may show something else below the last band.
  private var hasForeignRest = true
  private var raster: PixelRaster { stage.raster }

  private static let bandHeight = 6
  /// What samples may stray before they are looked at again.
  private static let noise: (luma: UInt8, chroma: UInt8) = (3, 2)
  /// How good is good enough, when a byte has its standard price.
  private static let painter = SixelPainter(keeps: 100, joins: 40)

  init(layout: PictureLayout, support: SixelSupport) {
    self.layout = layout
    self.support = support
    // Terminals may paint or scroll by whole bands, so an image ends with a whole one inside its cells.
    let height = layout.picture.rows * layout.cellPixels.height / Self.bandHeight * Self.bandHeight
    stage = PixelStage(layout: layout, height: height, noise: Self.noise)
    encoder = SixelEncoder(width: stage.raster.width)
    palette = ScenePalette(registers: support.registers)
    indices = Storage(repeating: 0, count: stage.raster.stride * height)
    shown = Storage(repeating: PaletteLookup.none, count: stage.raster.stride * height)
    changes = ChangeMap(rows: layout.picture.rows, cellWidth: layout.cellPixels.width)
  }

  func invalidate() {
    isWhole = true
    hasForeignRest = true
  }

  func render(remote: VideoFrame?, selfView: VideoFrame?, into writer: TerminalWriter) -> Int {
    guard raster.height > 0 else { return 0 }
    // Where all is painted anyway, nothing is saved by passing over noise.
    raster.noise = isWhole ? (0, 0) : Self.noise
    if stage.take(remote: remote, selfView: selfView) { isWhole = true }
    choosePalette()
    paint()
    blankRest(into: writer)
    let cells = writeImages(into: writer)
    isWhole = false
    return cells
  }

  func clear(into writer: TerminalWriter) {
    guard support.sharesRegisters else { return }
    var pen = writer.begin(atMost: 16)
    pen.literal(ControlSequence.privateRegisters)
    writer.finish(pen)
  }

  /// Makes a new palette when the old one does not suit the picture, and improves it otherwise.
  private func choosePalette() {
    if palette.isForeign(to: raster) {
      palette.begin(raster)
      isWhole = true
    } else if raster.isChanged, palette.improve(raster, indices.pointer) {
      forgetStaleColors()
    }
    if isWhole {
      shown.fill(PaletteLookup.none)
      palette.everythingIsRepainted()
    }
  }

  /// Has everything painted anew that was painted with colours that have moved too far since.
  private func forgetStaleColors() {
    let isStale = palette.isStale.pointer
    for y in 0..<raster.height {
      let shown = shown.pointer + y * raster.stride
      for x in 0..<raster.width where isStale[Int(shown[x])] {
        shown[x] = PaletteLookup.none
        raster.touch(run: x / PixelRaster.run, row: y)
      }
    }
    palette.forgetStale()
  }

  /// Chooses the colours of the pixels that changed, and notes where that made a difference.
  private func paint() {
    changes.clear()
    for y in 0..<raster.height {
      let offset = y * raster.stride
      let chroma = (y / 2) * raster.chromaStride
      let row = SixelPainter.Row(
        luma: raster.y + offset, blue: raster.u + chroma, red: raster.v + chroma, shown: shown.pointer + offset,
        indices: indices.pointer + offset,
        above: indices.pointer + (y % Self.bandHeight == 0 ? offset : offset - raster.stride))
      let cellRow = y / layout.cellPixels.height
      for run in 0..<raster.runs where isWhole || raster.hasChanged(run: run, row: y) {
        let start = run * PixelRaster.run
        let end = min(start + PixelRaster.run, raster.width)
        if Self.painter.paint(row, from: start, to: end, palette.lookup, isWhole: isWhole) {
          changes.note(row: cellRow, start..<end)
        }
      }
    }
  }

  /// Blanks the last row of cells where no band reaches its end, for the image leaves what was there before.
  private func blankRest(into writer: TerminalWriter) {
    defer { hasForeignRest = false }
    let picture = layout.picture
    guard hasForeignRest, raster.height < picture.rows * layout.cellPixels.height else { return }
    var pen = writer.begin(atMost: 40)
    pen.literal(ControlSequence.resetPens)
    pen.moveTo(column: picture.column, row: picture.row + picture.rows - 1)
    pen.erase(picture.columns)
    writer.finish(pen)
  }

  /// Writes the images of a frame; returns how many cells lie under them.
  private func writeImages(into writer: TerminalWriter) -> Int {
    let all = ChangeMap.Part(rows: 0..<layout.picture.rows, columns: 0..<raster.width)
    if isWhole {
      if support.sharesRegisters {
        var pen = writer.begin(atMost: 16)
        pen.literal(ControlSequence.sharedRegisters)
        writer.finish(pen)
      }
      return image(all, into: writer)
    }
    var cells = 0
    changes.forEachPart { part in
      guard support.placesRectangles || cells == 0 else { return }
      cells += image(support.placesRectangles ? part : all, into: writer)
    }
    return cells
  }

  /// Writes one image; returns how many cells it covers.
  private func image(_ changed: ChangeMap.Part, into writer: TerminalWriter) -> Int {
    let part = support.keepsUnpaintedPixels ? changed : wholeCells(changed)
    let cell = layout.cellPixels
    var row = part.rows.lowerBound
    let bottom = min(part.rows.upperBound * cell.height, raster.height)
    var height = bands(from: row, to: bottom)
    // The raster ends with a whole band, counted from its top: begin where the image's bands are the raster's.
    while row * cell.height + height > raster.height {
      row -= 1
      height = bands(from: row, to: bottom)
    }
    let top = row * cell.height
    let columns = part.columns
    var pen = writer.begin(atMost: 32)
    pen.moveTo(column: layout.picture.column + columns.lowerBound / cell.width, row: layout.picture.row + row)
    writer.finish(pen)
    encoder.encode(
      .init(
        indices: indices.pointer, shown: support.keepsUnpaintedPixels ? UnsafePointer(shown.pointer) : nil,
        stride: raster.stride),
      x: columns.lowerBound, top: top, width: columns.count, height: height, palette: palette,
      sharesRegisters: support.sharesRegisters, into: writer)
    for y in top..<top + height {
      let offset = y * raster.stride + columns.lowerBound
      (shown.pointer + offset).update(from: indices.pointer + offset, count: columns.count)
    }
    return part.rows.count * ((columns.count + cell.width - 1) / cell.width)
  }

  /// A terminal that wipes the cells under an image would wipe those into which its last band or column only reaches. So
  /// there a part goes on until it ends with a column and a row of cells, or with the picture.
  private func wholeCells(_ part: ChangeMap.Part) -> ChangeMap.Part {
    let cell = layout.cellPixels
    var end = part.rows.upperBound
    while end < layout.picture.rows, (end - part.rows.lowerBound) * cell.height % Self.bandHeight != 0 { end += 1 }
    let columns = (part.columns.upperBound + cell.width - 1) / cell.width
    return ChangeMap.Part(
      rows: part.rows.lowerBound..<end, columns: part.columns.lowerBound..<min(columns * cell.width, raster.width))
  }

  /// The height of whole bands that reach from the top of a row of cells to a row of pixels.
  private func bands(from row: Int, to bottom: Int) -> Int {
    (bottom - row * layout.cellPixels.height + Self.bandHeight - 1) / Self.bandHeight * Self.bandHeight
  }
}
