/// Chooses the palette's colour of every pixel that changed. A pixel keeps what the screen shows of it while that is good
/// enough, takes its neighbour's colour where that is nearly as good as the best one (so that runs grow longer), and gets
/// the nearest colour otherwise. The nearest is found first, for no pixel has to wait for another then.
struct SixelPainter {
  /// How far a pixel may be from the colour on the screen, and from its neighbour's, in the measure of
  /// ``PaletteLookup/Entry/distance(y:u:v:)``.
  var keeps: Int32
  var joins: Int32

  /// The runs of a row.
  struct Row {
    var luma: UnsafePointer<UInt8>
    var blue: UnsafePointer<UInt8>
    var red: UnsafePointer<UInt8>
    /// What the screen shows; ``PaletteLookup/none`` where that is not known.
    var shown: UnsafePointer<UInt8>
    var indices: UnsafeMutablePointer<UInt8>
    /// The row above in the same band, or the row itself.
    var above: UnsafePointer<UInt8>
  }

  /// Chooses the colours of some pixels of a row; returns whether any differs from what is shown.
  /// - Parameter isWhole: whether nothing is shown.
  @inline(__always)
  func paint(_ row: Row, from start: Int, to end: Int, _ lookup: PaletteLookup, isWhole: Bool) -> Bool {
    var x = start
    while x < end {
      let (u, v) = (row.blue[x &>> 1], row.red[x &>> 1])
      let chroma = lookup.chroma(u: u, v: v)
      for x in x..<x &+ 2 {
        let nearest = lookup.nearest(row.luma[x], chroma)
        let shown = row.shown[x]
        row.indices[x] =
          !isWhole && nearest != shown
            && lookup.entries[Int(shown)].distance(y: Int32(row.luma[x]), u: Int32(u), v: Int32(v)) <= keeps
          ? shown : nearest
      }
      x &+= 2
    }
    join(row, from: start, to: end, lookup.entries)
    return isWhole || Self.differs(row.indices, row.shown, from: start, to: end)
  }

  /// Gives the pixels that are to be painted their neighbour's colour where that is good enough.
  @inline(__always)
  private func join(
    _ row: Row, from start: Int, to end: Int, _ entries: UnsafePointer<PaletteLookup.Entry>
  ) {
    var left = start > 0 ? row.indices[start &- 1] : PaletteLookup.none
    var x = start
    while x < end {
      // Most pixels are like those before them, or are not painted.
      let eight = Self.eight(row.indices + x)
      if x &+ 8 <= end, eight == UInt64(left) &* 0x0101_0101_0101_0101 || eight == Self.eight(row.shown + x) {
        left = row.indices[x &+ 7]
        x &+= 8
        continue
      }
      for x in x..<min(x &+ 8, end) {
        let choice = row.indices[x]
        if choice != left, choice != row.shown[x] {
          let (y, u, v) = (Int32(row.luma[x]), Int32(row.blue[x &>> 1]), Int32(row.red[x &>> 1]))
          if entries[Int(left)].distance(y: y, u: u, v: v) <= joins {
            row.indices[x] = left
            continue
          }
          let above = row.above[x]
          if above != choice, entries[Int(above)].distance(y: y, u: u, v: v) <= joins { row.indices[x] = above }
        }
        left = row.indices[x]
      }
      x &+= 8
    }
  }

  @inline(__always)
  private static func differs(
    _ pixels: UnsafePointer<UInt8>, _ shown: UnsafePointer<UInt8>, from start: Int, to end: Int
  ) -> Bool {
    var x = start
    while x &+ 8 <= end {
      if eight(pixels + x) != eight(shown + x) { return true }
      x &+= 8
    }
    while x < end {
      if pixels[x] != shown[x] { return true }
      x &+= 1
    }
    return false
  }

  @inline(__always)
  private static func eight(_ pixels: UnsafePointer<UInt8>) -> UInt64 {
    UnsafeRawPointer(pixels).loadUnaligned(as: UInt64.self)
  }
}
