import CSamples

/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  private let sixels: Storage<glyphone_sixel>
  /// In order of x, from number 1 on.
  private let stretches: Storage<glyphone_stretch>
  /// Of each column, for ``SixelPacker``.
  private let firsts: Storage<UInt32>
  private let begins: Storage<UInt64>
  /// Of each colour.
  private let latest = Storage<glyphone_latest>(repeating: none, count: 256)
  private var band: glyphone_sixels
  private let runs = SixelRuns()

  private static let none = glyphone_latest(stop: .min / 2, sixel: 0)

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    sixels = Storage(repeating: glyphone_sixel(), count: 6 * width + 1)
    stretches = Storage(repeating: glyphone_stretch(), count: 6 * width + 2)
    firsts = Storage(repeating: 0, count: width)
    begins = Storage(repeating: 0, count: width / 64 + 1)
    band = glyphone_sixels(
      sixels: sixels.pointer, stretches: stretches.pointer, latest: latest.pointer, sixel_count: 0, stretch_count: 0,
      origin: 0)
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
    latest.fill(Self.none)
    band.origin = 0
    var skipped = 0
    for top in stride(from: 0, to: height, by: 6) {
      if top > 0 { skipped += 1 }
      let numbers = pixels.numbers + top * pixels.stride
      if let painted = pixels.painted {
        glyphone_sixels_collect(&band, numbers, pixels.stride, painted + top / 6 * pixels.stride, width)
      } else {
        glyphone_sixels_collect_all(
          &band, numbers, pixels.stride, width, Int32(truncatingIfNeeded: min(6, height - top)))
      }
      if band.sixel_count == 0 { continue }
      // Each sixel is at most a gap (7 bytes), a colour (4), itself (7), and the end of its pass.
      var pen = writer.begin(atMost: 19 * Int(band.sixel_count) + 256 * 20 + skipped + 8)
      while skipped > 0 {
        pen.byte(0x2D)
        skipped -= 1
      }
      var packer = SixelPacker(
        sixels: sixels.pointer, stretches: stretches.pointer, count: Int(band.stretch_count), firsts: firsts.pointer,
        begins: begins.pointer, words: begins.count, runs: runs.entries, pen: pen)
      packer.pack(palette)
      writer.finish(packer.pen)
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }
}
