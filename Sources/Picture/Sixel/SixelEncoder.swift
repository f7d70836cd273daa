import CSamples

/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  private let sixels: Storage<UInt64>
  private let stretches: Storage<glyphone_stretch>
  private let newColors = Storage<UInt8>(repeating: 0, count: 257)
  private let texts: SixelTexts
  private var band: glyphone_sixels

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    sixels = Storage(repeating: 0, count: Int(glyphone_passes) + 6 * width)
    stretches = Storage(repeating: glyphone_stretch(), count: 6 * width + 1)
    texts = SixelTexts(width: width)
    band = glyphone_sixels(
      sixels: sixels.pointer, stretches: stretches.pointer, runs: texts.runs, names: texts.names,
      new_colors: newColors.pointer, sixel_count: 0, stretch_count: 0, new_count: 0)
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
          &band, numbers, pixels.stride, painted + top / 6 * pixels.stride, Int32(truncatingIfNeeded: width))
      } else {
        glyphone_sixels_collect_all(
          &band, numbers, pixels.stride, Int32(truncatingIfNeeded: width),
          Int32(truncatingIfNeeded: min(6, height - top)))
      }
      if band.sixel_count == 0 { continue }
      writeBand(after: skipped, palette, into: writer)
      skipped = 0
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }

  /// Writes the band that was collected.
  private func writeBand(after skipped: Int, _ palette: ScenePalette, into writer: TerminalWriter) {
    glyphone_sixels_pack(&band, palette.isNew.pointer)
    var pen = writer.begin(atMost: skipped + 20 * Int(band.new_count) + 19 * Int(band.sixel_count) + 32)
    for _ in 0..<skipped { pen.byte(0x2D) }
    for place in 0..<Int(band.new_count) {
      let number = Int(newColors.pointer[place])
      tell(number, palette.colors[number], with: &pen)
    }
    pen.position = glyphone_sixels_write(&band, pen.position)
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
