import CSamples

/// Chooses the palette's colour of every pixel by what it is worth: the one with the least error, where each byte that it
/// probably takes counts as much error as a byte costs. A pixel keeps what the screen shows of it unless another colour is
/// worth its bytes; beside pixels that are painted anyway their colour is cheap, so runs grow longer.
struct SixelPainter {
  /// The price of a byte in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``.
  private let price: Int32

  /// No price is higher: sums of it must be far from overflowing.
  private static let highestPrice = 20_000.0

  /// - Parameter price: of a byte, in squared luma error.
  init(price: Double) {
    self.price = Int32(min(price * Double(PaletteLookup.lumaWeight), Self.highestPrice))
  }

  /// The pixels of a row from a place on.
  struct Row {
    let luma: UnsafePointer<UInt8>
    let blue: UnsafePointer<UInt8>
    let red: UnsafePointer<UInt8>
    let next: UnsafeMutablePointer<UInt8>
    /// From the row above in the same band to this one; 0 in the first.
    let above: Int

    @inline(__always)
    init(_ raster: PixelRaster, _ memory: SixelMemory, x: Int, row: Int) {
      let place = row &* raster.stride &+ x
      let chroma = (row &>> 1) &* raster.chromaStride &+ x &>> 1
      luma = UnsafePointer(raster.y + place)
      blue = UnsafePointer(raster.u + chroma)
      red = UnsafePointer(raster.v + chroma)
      next = memory.pixels(at: place).next
      above = row % SixelMemory.bandHeight == 0 ? 0 : raster.stride
    }
  }

  /// Chooses the colours of a whole row of which nothing is shown. The nearest are found first, for no pixel has to wait
  /// for another then.
  func paintWhole(_ row: Row, _ count: Int, _ lookup: PaletteLookup) {
    let next = row.next
    var x = 0
    while x < count {
      let chroma = lookup.chroma(u: row.blue[x &>> 1], v: row.red[x &>> 1])
      next[x] = lookup.nearest(row.luma[x], chroma)
      next[x &+ 1] = lookup.nearest(row.luma[x &+ 1], chroma)
      x &+= 2
    }
    join(row, count, lookup.entries)
  }

  /// Gives pixels their neighbour's colour where the bytes that saves are worth the error.
  @inline(__always)
  private func join(_ row: Row, _ count: Int, _ entries: UnsafePointer<PaletteLookup.Entry>) {
    let next = row.next
    let saved = (Int32(glyphone_bytes_of_run) &- 1) &* price
    var left = next[0]
    var x = 0
    while x < count {
      // Most pixels are like those before them.
      let eight = UnsafeRawPointer(next + x).loadUnaligned(as: UInt64.self)
      if x &+ 8 <= count, eight == UInt64(left) &* 0x0101_0101_0101_0101 {
        x &+= 8
        continue
      }
      for x in x..<min(x &+ 8, count) {
        let choice = next[x]
        if choice != left {
          let (y, u, v) = (Int32(row.luma[x]), Int32(row.blue[x &>> 1]), Int32(row.red[x &>> 1]))
          let above = next[x &- row.above]
          var best = saved
          let ofLeft = entries[Int(left)].distance(y: y, u: u, v: v)
          if ofLeft <= best { (next[x], best) = (left, ofLeft) }
          // Below a pixel of its colour it takes not even the byte of a longer run.
          if above != choice, above != left, entries[Int(above)].distance(y: y, u: u, v: v) &- price < best {
            next[x] = above
          }
        }
        left = next[x]
      }
      x &+= 8
    }
  }

  /// Paints those pixels of up to six rows that are worth it; returns a bit for each row with such pixels.
  /// - Parameters:
  ///   - pixels: the first row, the top one of a band.
  ///   - count: of columns, at most sixteen.
  ///   - rows: a bit for each row to be looked at, the first lowest.
  ///   - hasLeft: whether there are pixels to the left.
  @inline(__always)
  func paintChanges(_ pixels: inout glyphone_pixels, _ count: Int, rows: UInt32, hasLeft: Bool, _ lookup: PaletteLookup)
    -> UInt32
  {
    glyphone_samples_paint(&pixels, rows, Int32(truncatingIfNeeded: count), hasLeft ? 1 : 0, price, lookup.forSamples)
  }
}
