import Frames

/// Draws pictures with sixels: a palette for each scene, and images of only what changed enough to be worth its bytes.
final class SixelRenderer: PixelCanvas {
  let layout: PictureLayout
  private let support: SixelSupport
  private let stage: PixelStage
  private let encoder: SixelEncoder
  private let palette: ScenePalette
  private let memory: SixelMemory
  private let changes: ChangeMap
  private var lambda = Renderer.standardLambda
  private var isWhole = true
  /// Whether the last band may be one of fewer rows.
  private let hasCutBand: Bool
  /// Whether the screen may show something else below the last band.
  private var hasForeignRest = true
  private var raster: PixelRaster { stage.raster }

  private static let bandHeight = SixelMemory.bandHeight
  /// What nobody sees; following it would only take time.
  private static let noise: (luma: UInt8, chroma: UInt8) = (1, 1)

  init(layout: PictureLayout, support: SixelSupport) {
    self.layout = layout
    self.support = support
    // Terminals may scroll by whole bands, and wipe all that is under them. Where neither does harm, the last band reaches
    // below the picture, and nothing is painted there; elsewhere an image ends with a whole one inside its cells.
    let height = layout.picturePixels.height
    hasCutBand = support.keepsUnpaintedPixels && layout.rowsBelow > 0 && layout.cellPixels.height >= Self.bandHeight
    stage = PixelStage(
      layout: layout, height: hasCutBand ? height : height / Self.bandHeight * Self.bandHeight, noise: Self.noise)
    encoder = SixelEncoder(width: stage.raster.width)
    palette = ScenePalette(registers: support.registers)
    memory = SixelMemory(stage.raster)
    changes = ChangeMap(rows: layout.picture.rows, cellWidth: layout.cellPixels.width)
  }

  func invalidate() {
    isWhole = true
    hasForeignRest = true
  }

  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda: Double, into writer: TerminalWriter) -> Int {
    guard raster.height > 0 else { return 0 }
    self.lambda = lambda
    if stage.take(remote: remote, selfView: selfView, isWhole: isWhole) { isWhole = true }
    choosePalette()
    if isWhole { paint(0..<raster.width, 0..<raster.height) } else { paintChanges() }
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

  /// Makes a new palette when the old one does not suit the picture, and improves it otherwise. A new one does not mean
  /// that everything is painted anew, unless the picture is another one.
  private func choosePalette() {
    switch isWhole || raster.isChanged ? palette.fit(to: raster) : .good {
    case .none:
      palette.begin(raster)
      isWhole = true
    case .poor:
      // What is on the screen stays as it is.
      memory.readAll(palette.lookup.colors)
      palette.begin(raster)
    case .good:
      if raster.isChanged, palette.improve(raster, memory.numbers) { forgetStaleColors() }
    }
    if isWhole { palette.everythingIsRepainted() }
  }

  /// Has everything painted anew that was painted with colours that have moved too far since.
  private func forgetStaleColors() {
    palette.forEachStale { number in
      memory.forget(number) { run, row in raster.touch(run: run, row: row) }
    }
  }

  /// Chooses the colours of all pixels of a rectangle.
  private func paint(_ columns: Range<Int>, _ rows: Range<Int>) {
    var pixels = memory.pixels(x: columns.lowerBound, row: rows.lowerBound, of: raster)
    SixelPainter(lambda: lambda).paintWhole(
      &pixels, isOdd: rows.lowerBound % 2 == 1, columns.count, rows.count, palette.lookup)
  }

  /// Chooses the colours of the pixels that changed or have stood still for long, and notes where that made a difference.
  private func paintChanges() {
    let painter = SixelPainter(lambda: lambda)
    changes.clear()
    for number in 0..<memory.groups {
      let group = memory.group(number, of: raster, palette.lookup.colors)
      var pixels = memory.pixels(x: 0, row: group.first * Self.bandHeight, of: raster)
      painter.paintChanges(&pixels, group, width: raster.width, palette.lookup)
      for band in 0..<group.bands { note(band, of: group) }
    }
  }

  /// Notes the parts of a band in which pixels are painted.
  private func note(_ band: Int, of group: SixelMemory.Group) {
    let top = (group.first + band) * Self.bandHeight
    let bottom = min(top + Self.bandHeight, raster.height)
    var row = top
    while row < bottom {
      // Those of its rows that lie in one row of cells.
      let cellRow = row / layout.cellPixels.height
      let end = min((cellRow + 1) * layout.cellPixels.height, bottom)
      let rows = UInt8(truncatingIfNeeded: (1 << (end - top)) - (1 << (row - top)))
      var first = Int.max
      var last = -1
      for block in 0..<memory.blocks {
        let isPainted = group.needs[block &* SixelMemory.groupBands &+ band] & rows != 0
        first = isPainted ? min(first, block) : first
        last = isPainted ? block : last
      }
      if last >= 0 {
        let columns = first * SixelMemory.blockWidth..<min((last + 1) * SixelMemory.blockWidth, raster.width)
        changes.note(row: cellRow, columns)
      }
      row = end
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
    // The raster ends with a whole band, counted from its top: begin where the image's bands are the raster's. Where
    // unpainted pixels stay that is for nothing, and the bytes are those that the painter counted on.
    while !hasCutBand && row * cell.height + height > raster.height
      || support.keepsUnpaintedPixels && row * cell.height % Self.bandHeight > 0
    {
      row -= 1
      height = bands(from: row, to: bottom)
    }
    let top = row * cell.height
    height = min(height, raster.height - top)
    var columns = part.columns
    // Two pixels share their chroma.
    if columns.lowerBound % 2 > 0 { columns = columns.lowerBound - cell.width..<columns.upperBound }
    let paintsAll = isWhole || !support.keepsUnpaintedPixels
    // Where every pixel of a rectangle is painted anyway, each gets the colour that suits it now.
    if paintsAll, !isWhole { paint(columns, top..<top + height) }
    var pen = writer.begin(atMost: 32)
    pen.moveTo(column: layout.picture.column + columns.lowerBound / cell.width, row: layout.picture.row + row)
    writer.finish(pen)
    encoder.encode(
      memory.sixels(x: columns.lowerBound, row: top, isWhole: paintsAll), width: columns.count, height: height,
      palette: palette, sharesRegisters: support.sharesRegisters, into: writer)
    if isWhole {
      memory.showAll()
    } else if paintsAll {
      memory.show(columns, top..<top + height, palette.lookup.colors)
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
