import CSamples

/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  private let band: SixelBand

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    band = SixelBand(width: width)
  }

  /// Where a rectangle's pixels are, and which of them are to be painted.
  struct Pixels {
    var numbers: UnsafePointer<UInt8>
    /// Of each column of a band a bit for each row that is painted, in rows as far apart as those of the numbers; nil to
    /// paint every pixel.
    var painted: UnsafePointer<UInt8>?
    var stride: Int
  }

  /// Writes the image of a rectangle. Of a band that is not whole no more is painted than the height.
  /// - Parameter sharesRegisters: whether the terminal knows the colours of earlier images.
  func encode(
    _ pixels: Pixels, width: Int, height: Int, palette: ScenePalette, sharesRegisters: Bool, into writer: TerminalWriter
  ) {
    if !sharesRegisters { palette.isNew.fill(true) }
    var pen = writer.begin(atMost: 64)
    // P2 = 1: what is not painted stays. Pixels are square.
    pen.literal("\u{1B}P0;1q\"1;1;")
    pen.number(width)
    pen.byte(0x3B)
    pen.number(height)
    writer.finish(pen)
    var skipped = 0
    for top in stride(from: 0, to: height, by: 6) {
      if top > 0 { skipped += 1 }
      let numbers = pixels.numbers + top * pixels.stride
      if let painted = pixels.painted {
        glyphone_sixels_collect(
          &band.sixels, numbers, pixels.stride, painted + top / 6 * pixels.stride, Int32(truncatingIfNeeded: width))
      } else {
        glyphone_sixels_collect_all(
          &band.sixels, numbers, pixels.stride, Int32(truncatingIfNeeded: width),
          Int32(truncatingIfNeeded: min(6, height - top)))
      }
      if band.sixels.sixel_count == 0 { continue }
      writeBand(after: skipped, palette, into: writer)
      skipped = 0
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }

  /// Writes the band that was collected.
  private func writeBand(after skipped: Int, _ palette: ScenePalette, into writer: TerminalWriter) {
    glyphone_sixels_pack(&band.sixels, palette.isNew.pointer)
    var pen = writer.begin(atMost: skipped + 20 * band.newColors.count + band.room)
    for _ in 0..<skipped { pen.byte(0x2D) }
    for number in band.newColors { tell(Int(number), palette.colors[Int(number)], with: &pen) }
    pen.position = glyphone_sixels_write(&band.sixels, pen.position)
    writer.finish(pen)
  }

  /// Tells what a colour is, which does not choose it in every terminal.
  private func tell(_ number: Int, _ color: Color, with pen: inout BytePen) {
    let percent = SixelColor(color)
    pen.byte(0x23, small: number)
    pen.literal(";2;")
    pen.small(percent.red)
    pen.byte(0x3B)
    pen.small(percent.green)
    pen.byte(0x3B)
    pen.small(percent.blue)
  }
}
