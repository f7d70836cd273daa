/// Chooses the palette's colour of every pixel that changed. A pixel keeps what the screen shows of it while that is good
/// enough, takes its neighbour's colour where that is nearly as good as the best one (so that runs grow longer), and gets
/// the nearest colour otherwise.
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

  /// Chooses the colours of some pixels of a row, two at a time; returns whether any differs from what is shown.
  @inline(__always)
  func paint(_ row: Row, from start: Int, to end: Int, _ lookup: PaletteLookup) -> Bool {
    let entries = lookup.entries
    var left = start > 0 ? row.indices[start &- 1] : PaletteLookup.none
    var differs = false
    var x = start
    while x < end {
      let (u, v) = (row.blue[x &>> 1], row.red[x &>> 1])
      let (u32, v32) = (Int32(u), Int32(v))
      for x in x..<x &+ 2 {
        let y = row.luma[x]
        let shown = row.shown[x]
        var choice = shown
        if entries[Int(shown)].distance(y: Int32(y), u: u32, v: v32) > keeps {
          choice = left
          if entries[Int(left)].distance(y: Int32(y), u: u32, v: v32) > joins {
            choice = row.above[x]
            if entries[Int(choice)].distance(y: Int32(y), u: u32, v: v32) > joins {
              choice = lookup.nearest(y: y, u: u, v: v, guess: left)
            }
          }
          differs = differs || choice != shown
        }
        row.indices[x] = choice
        left = choice
      }
      x &+= 2
    }
    return differs
  }
}
