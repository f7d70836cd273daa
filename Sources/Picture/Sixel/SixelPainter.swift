/// Chooses the palette's colour of every pixel by what it is worth: the one with the least error, where each byte that it
/// probably takes counts as much error as a byte costs. A pixel keeps what the screen shows of it unless another colour is
/// worth its bytes; beside pixels that are painted anyway their colour is cheap, so runs grow longer.
struct SixelPainter {
  /// The price of a byte in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``.
  private let price: Int32

  /// Bytes of a pixel that begins a run: to get there, to choose the colour, and itself.
  private static let bytesOfRun: Int32 = 6
  /// Bytes of a pixel that makes the run to its left longer. One below a pixel of its colour takes none.
  private static let bytesOfPixel: Int32 = 1
  /// No price is higher: sums of it must be far from overflowing.
  private static let highestPrice = 20_000.0

  /// - Parameter price: of a byte, in squared luma error.
  init(price: Double) {
    self.price = Int32(min(price * Double(PaletteLookup.lumaWeight), Self.highestPrice))
  }

  /// The pixels of a row from a place on.
  struct Row {
    private(set) var luma: UnsafePointer<UInt8>
    private(set) var blue: UnsafePointer<UInt8>
    private(set) var red: UnsafePointer<UInt8>
    private(set) var memory: SixelMemory.Pixels
    /// From the row above in the same band to this one; 0 in the first.
    private(set) var above: Int
    private let stride: Int
    private let chromaStride: Int

    @inline(__always)
    init(_ raster: PixelRaster, _ memory: SixelMemory, x: Int, row: Int) {
      (stride, chromaStride) = (raster.stride, raster.chromaStride)
      let place = row &* stride &+ x
      let chroma = (row &>> 1) &* chromaStride &+ x &>> 1
      luma = UnsafePointer(raster.y + place)
      blue = UnsafePointer(raster.u + chroma)
      red = UnsafePointer(raster.v + chroma)
      self.memory = memory.pixels(at: place)
      above = row % SixelMemory.bandHeight == 0 ? 0 : stride
    }

    /// Goes on to the next row of the band.
    /// - Parameter row: the one that was gone through.
    @inline(__always)
    mutating func advance(from row: Int) {
      luma += stride
      if row & 1 > 0 {
        blue += chromaStride
        red += chromaStride
      }
      memory.advance(by: stride)
      above = stride
    }
  }

  /// Chooses the colours of a whole row of which nothing is shown. The nearest are found first, for no pixel has to wait
  /// for another then.
  func paintWhole(_ row: Row, _ count: Int, _ lookup: PaletteLookup) {
    let next = row.memory.next
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
    let next = row.memory.next
    let saved = (Self.bytesOfRun &- Self.bytesOfPixel) &* price
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
          if entries[Int(left)].distance(y: y, u: u, v: v) <= saved {
            next[x] = left
          } else if above != choice, entries[Int(above)].distance(y: y, u: u, v: v) <= saved {
            next[x] = above
          }
        }
        left = next[x]
      }
      x &+= 8
    }
  }

  /// Paints those pixels of a run that are worth it; returns whether there are any.
  /// - Parameter hasLeft: whether there are pixels to the left.
  @inline(__always)
  func paintChanges(
    _ row: Row, _ count: Int, _ lookup: PaletteLookup, _ marks: PixelMarks, hasLeft: Bool
  ) -> Bool {
    var bits = marks.mark(row, beyond: price &* Self.bytesOfRun) & ((1 &<< UInt32(truncatingIfNeeded: count)) &- 1)
    var isPainted = false
    while bits != 0 {
      let x = bits.trailingZeroBitCount
      bits &= bits &- 1
      if paint(row, x, lookup, marks, after: hasLeft ? -1 : 0) { isPainted = true }
    }
    return isPainted
  }

  /// Paints a pixel if that is worth it; returns whether it is.
  /// - Parameter first: the pixels after this one have another to the left.
  @inline(__always)
  private func paint(_ row: Row, _ x: Int, _ lookup: PaletteLookup, _ marks: PixelMarks, after first: Int) -> Bool {
    let (entries, memory) = (lookup.entries, row.memory)
    let (luma, blue, red) = (marks.luma[x], marks.blue[x], marks.red[x])
    let (y, u, v) = (Int32(luma), Int32(blue), Int32(red))
    let nearest = lookup.nearest(luma, lookup.chroma(u: blue, v: red))
    let distance = entries[Int(nearest)].distance(y: y, u: u, v: v)
    var shown = marks.distance(x)
    if shown >= PixelMarks.largest {
      shown = PaletteLookup.Entry(Color(y: memory.y[x], u: memory.u[x], v: memory.v[x]))
        .distance(y: y, u: u, v: v)
    }
    // Often there is nothing better.
    if distance >= shown { return false }
    var best = Choice(number: nearest, cost: distance &+ Self.bytesOfRun &* price)
    let (above, left) = (x &- row.above, x &- 1)
    if row.above > 0, memory.isPainted(above) {
      let number = memory.next[above]
      best.consider(number, entries[Int(number)].distance(y: y, u: u, v: v))
    }
    if x > first, memory.isPainted(left) {
      let number = memory.next[left]
      best.consider(number, entries[Int(number)].distance(y: y, u: u, v: v) &+ Self.bytesOfPixel &* price)
    }
    guard best.cost < shown else { return false }
    memory.paint(x, best.number, entries[Int(best.number)])
    return true
  }

  /// A colour for a pixel, and what it costs in all.
  private struct Choice {
    var number: UInt8
    var cost: Int32

    @inline(__always)
    mutating func consider(_ number: UInt8, _ cost: Int32) {
      if cost < self.cost { (self.number, self.cost) = (number, cost) }
    }
  }
}
