import Frames

/// Draws pictures with kitty's graphics protocol: one image that stays where it is, of which parts are replaced. A
/// terminal on the same machine reads them from memory; others are sent compressed pixels.
final class KittyRenderer: PixelCanvas {
  let layout: PictureLayout
  private let support: KittySupport
  private let memory: (any PictureMemory)?
  private let stage: PixelStage
  private let changes: ChangeMap
  private let deflater: PixelDeflater
  private var deflated = Storage<UInt8>(repeating: 0, count: 0)
  private var isWhole = true
  /// Whether anything was written, perhaps in vain.
  private var hasBegun = false
  private var raster: PixelRaster { stage.raster }

  /// What samples may stray before they are followed.
  private static let noise: (luma: UInt8, chroma: UInt8) = (2, 3)

  init(layout: PictureLayout, support: KittySupport, memory: (any PictureMemory)?) {
    self.layout = layout
    self.support = support
    self.memory = support.isLocal ? memory : nil
    stage = PixelStage(
      layout: layout, height: layout.picture.rows * layout.cellPixels.height, noise: Self.noise)
    changes = ChangeMap(rows: layout.picture.rows, cellWidth: layout.cellPixels.width)
    deflater = PixelDeflater(width: stage.raster.width, isFiltered: false)
  }

  func invalidate() {
    isWhole = true
  }

  func render(remote: VideoFrame?, selfView: VideoFrame?, lambda _: Double, into writer: TerminalWriter) -> Int {
    guard raster.height > 0 else { return 0 }
    if stage.take(remote: remote, selfView: selfView, isWhole: isWhole) { isWhole = true }
    changes.clear()
    changes.note(raster, cellHeight: layout.cellPixels.height)
    defer { isWhole = false }
    let commands = KittyCommands(support, writer)
    if isWhole {
      if hasBegun { commands.abandon() }
      hasBegun = true
      replace(commands, writer)
      if support.isInsideTmux { writePlaceholders(writer) }
      return layout.picture.columns * layout.picture.rows
    }
    var cells = 0
    changes.forEachPart { part in
      guard support.editsImages || cells == 0 else { return }
      if support.editsImages { edit(part, commands) } else { replace(commands, writer) }
      cells += part.rows.count * ((part.columns.count + layout.cellPixels.width - 1) / layout.cellPixels.width)
    }
    return cells
  }

  func clear(into writer: TerminalWriter) {
    let commands = KittyCommands(support, writer)
    if hasBegun { commands.abandon() }
    // d=I: its data, too.
    commands.command(.delete) { $0.literal(",d=I") }
    isWhole = true
  }

  /// Sends the whole picture as a new image and says where it is.
  private func replace(_ commands: KittyCommands, _ writer: TerminalWriter) {
    var pen = writer.begin(atMost: 32)
    pen.moveTo(column: layout.picture.column, row: layout.picture.row)
    writer.finish(pen)
    send(.show, ChangeMap.Part(rows: 0..<layout.picture.rows, columns: 0..<raster.width), commands) { pen in
      // Placement 1 of the image; the cursor stays (C=1).
      pen.key("p", 1)
      pen.key("c", layout.picture.columns)
      pen.key("r", layout.picture.rows)
      pen.literal(support.isInsideTmux ? ",U=1" : ",C=1")
    }
  }

  /// Replaces a part of the image.
  private func edit(_ part: ChangeMap.Part, _ commands: KittyCommands) {
    send(.edit, part, commands) { pen in
      // Of the first frame (r=1), without blending (X=1).
      pen.literal(",r=1,X=1")
      pen.key("x", part.columns.lowerBound)
      pen.key("y", part.rows.lowerBound * layout.cellPixels.height)
    }
  }

  private func send(
    _ action: KittyCommands.Action, _ part: ChangeMap.Part, _ commands: KittyCommands, _ keys: (inout BytePen) -> Void
  ) {
    let height = layout.cellPixels.height
    let rows = part.rows.lowerBound * height..<part.rows.upperBound * height
    func size(_ pen: inout BytePen) {
      keys(&pen)
      pen.key("s", part.columns.count)
      pen.key("v", rows.count)
      pen.literal(",f=24")
    }
    if var name = share(rows: rows, columns: part.columns) {
      name.withUTF8 { name in
        commands.command(action, name) { pen in
          size(&pen)
          pen.literal(",t=s")
        }
      }
    } else {
      commands.command(action, compressed(rows: rows, columns: part.columns)) { pen in
        size(&pen)
        pen.literal(",o=z")
      }
    }
  }

  private func compressed(rows: Range<Int>, columns: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    let bound = deflater.bound(rows: rows.count, columns: columns.count)
    if deflated.count < bound { deflated = Storage(repeating: 0, count: bound) }
    let count = deflater.compress(raster, rows: rows, columns: columns, into: deflated.pointer, limit: bound)
    return UnsafeBufferPointer(start: deflated.pointer, count: count)
  }

  /// Puts red, green and blue of a part into shared memory; returns its name.
  private func share(rows: Range<Int>, columns: Range<Int>) -> String? {
    let rowBytes = columns.count * 3
    return memory?.publish(byteCount: rows.count * rowBytes) { bytes in
      for row in rows {
        RGBWriter.write(
          raster, row: row, columns: columns, into: bytes + (row - rows.lowerBound) * rowBytes)
      }
    }
  }

  /// Fills the picture's cells with the characters that stand for pieces of the image, whose number is their colour.
  private func writePlaceholders(_ writer: TerminalWriter) {
    for row in 0..<min(layout.picture.rows, KittyPlaceholder.most) {
      let columns = min(layout.picture.columns, KittyPlaceholder.most)
      var pen = writer.begin(atMost: 64 + columns * 12)
      pen.moveTo(column: layout.picture.column, row: layout.picture.row + row)
      // The other pens are put back first: an underline's colour would be taken for the number of a placement.
      pen.literal("\u{1B}[0;38;2;")
      pen.small(Int(support.imageID >> 16 & 255))
      pen.byte(0x3B)
      pen.small(Int(support.imageID >> 8 & 255))
      pen.byte(0x3B)
      pen.small(Int(support.imageID & 255))
      pen.byte(0x6D)
      for column in 0..<columns { KittyPlaceholder.write(row: row, column: column, into: &pen) }
      writer.finish(pen)
    }
  }
}
