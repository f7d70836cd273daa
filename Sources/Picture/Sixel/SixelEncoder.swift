/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  /// Pixels of one colour in columns that are alike, and the next ones of the stretch.
  private struct Sixel {
    var next: Int32
    var x: UInt16
    var count: UInt16
    var bits: UInt8
  }

  /// Sixels of one colour that lie close together, from `x` to before `stop`.
  private struct Stretch {
    var first: Int32
    var last: Int32
    var x: UInt16
    var stop: UInt16
    var color: UInt8
    /// The next stretch that is not written yet.
    var next: Int32
  }

  /// Gaps of up to this many columns are written as blanks rather than leaving the colour.
  private static let smallGap = 4

  private let sixels: Storage<Sixel>
  private var sixelCount = 0
  /// In order of x.
  private let stretches: Storage<Stretch>
  private var stretchCount = 0
  /// Eight columns of a band, without the pixels that are on the screen already.
  private let changed = Storage<UInt8>(repeating: PaletteLookup.none, count: 6 * 8)
  /// The last stretch of each colour, or -1.
  private let latest = Storage<Int32>(repeating: -1, count: 256)

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    sixels = Storage(repeating: Sixel(next: -1, x: 0, count: 0, bits: 0), count: 6 * width)
    stretches = Storage(repeating: Stretch(first: 0, last: 0, x: 0, stop: 0, color: 0, next: -1), count: 6 * width)
  }

  /// Where the pixels are, and which of them the terminal shows already.
  struct Pixels {
    var indices: UnsafePointer<UInt8>
    /// What the terminal shows; nil to paint every pixel.
    var shown: UnsafePointer<UInt8>?
    var stride: Int
  }

  /// Writes the image of a rectangle: `top` is counted in pixels of the raster, the height must be a multiple of six.
  /// - Parameter sharesRegisters: whether the terminal knows the colours of earlier images.
  func encode(
    _ pixels: Pixels, x: Int, top: Int, width: Int, height: Int, palette: ScenePalette, sharesRegisters: Bool,
    into writer: TerminalWriter
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
    for band in 0..<height / 6 {
      if band > 0 { skipped += 1 }
      collect(pixels, x: x, row: top + band * 6, width: width)
      if sixelCount == 0 { continue }
      // Each sixel is at most a gap (7 bytes), a colour (4), itself (7), and the end of its pass.
      var pen = writer.begin(atMost: 19 * sixelCount + 256 * 20 + skipped + 8)
      while skipped > 0 {
        pen.byte(0x2D)
        skipped -= 1
      }
      pack(palette, into: &pen)
      writer.finish(pen)
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }

  /// Finds the stretches of a band.
  private func collect(_ pixels: Pixels, x: Int, row: Int, width: Int) {
    sixelCount = 0
    stretchCount = 0
    latest.fill(-1)
    let place = row * pixels.stride + x
    if let shown = pixels.shown {
      collectChanges(pixels.indices + place, shown + place, stride: pixels.stride, width: width)
    } else {
      collect(pixels.indices + place, stride: pixels.stride, width: width)
    }
  }

  /// Goes through eight columns at a time and takes the pixels that are not shown already; the others get no colour.
  private func collectChanges(
    _ pixels: UnsafePointer<UInt8>, _ shown: UnsafePointer<UInt8>, stride: Int, width: Int
  ) {
    let changed = UnsafeMutableRawPointer(changed.pointer)
    var column = 0
    while column < width {
      var isAny: UInt64 = 0
      for row in 0..<6 {
        let place = row &* stride &+ column
        let eight = UnsafeRawPointer(pixels + place).loadUnaligned(as: UInt64.self)
        let difference = Bytes.marked(eight ^ UnsafeRawPointer(shown + place).loadUnaligned(as: UInt64.self))
        isAny |= difference
        changed.storeBytes(
          of: eight | ((difference ^ Bytes.highBits) &>> 7) &* 255, toByteOffset: row &* 8, as: UInt64.self)
      }
      if isAny != 0 { addEight(at: column, min(8, width &- column)) }
      column &+= 8
    }
  }

  /// Adds what is in ``changed``.
  @inline(__always)
  private func addEight(at column: Int, _ count: Int) {
    let words = UnsafeRawPointer(changed.pointer).assumingMemoryBound(to: UInt64.self)
    var difference: UInt64 = 0
    for row in 0..<6 { difference |= words[row] ^ words[row] &>> 8 }
    // The last column has no next one.
    var ends = Bytes.marked(difference) | 0x80 &<< 56
    var start = 0
    while start < count {
      let end = min(ends.trailingZeroBitCount &>> 3 &+ 1, count)
      addColumns(column &+ start, end &- start, UnsafePointer(changed.pointer + start), 8)
      start = end
      ends &= ends &- 1
    }
  }

  /// Goes through runs of columns that are alike. A run ends where any row has another colour in the next column.
  private func collect(_ pixels: UnsafePointer<UInt8>, stride: Int, width: Int) {
    var start = 0
    var column = 0
    while column < width {
      var difference: UInt64 = 0
      var row = UnsafeRawPointer(pixels + column)
      for _ in 0..<6 {
        difference |= row.loadUnaligned(as: UInt64.self) ^ (row + 1).loadUnaligned(as: UInt64.self)
        row += stride
      }
      var ends = Bytes.marked(difference)
      while ends != 0 {
        let end = column &+ ends.trailingZeroBitCount &>> 3 &+ 1
        if end >= width { break }
        addColumns(start, end &- start, pixels + start, stride)
        start = end
        ends &= ends &- 1
      }
      column &+= 8
    }
    addColumns(start, width - start, pixels + start, stride)
  }

  /// Adds all pixels of some columns that are alike.
  @inline(__always)
  private func addColumns(_ column: Int, _ count: Int, _ pixels: UnsafePointer<UInt8>, _ stride: Int) {
    var color = pixels[0]
    var bits: UInt8 = 1
    var offset = stride
    var bit: UInt8 = 2
    while bit < 64 {
      let next = pixels[offset]
      if next != color {
        add(color, bits, column, count)
        color = next
        bits = 0
      }
      bits |= bit
      offset &+= stride
      bit &<<= 1
    }
    add(color, bits, column, count)
  }

  /// Adds pixels to the stretch of their colour, or begins another.
  @inline(__always)
  private func add(_ color: UInt8, _ bits: UInt8, _ column: Int, _ count: Int) {
    if color == PaletteLookup.none { return }
    let stop = UInt16(truncatingIfNeeded: column &+ count)
    let number = latest.pointer[Int(color)]
    if number >= 0 {
      let stretch = stretches.pointer + Int(number)
      let gap = column &- Int(stretch.pointee.stop)
      if gap < 0 {
        sixels.pointer[Int(stretch.pointee.last)].bits |= bits
        return
      }
      if gap <= Self.smallGap {
        sixels.pointer[Int(stretch.pointee.last)].next = Int32(truncatingIfNeeded: sixelCount)
        stretch.pointee.last = Int32(truncatingIfNeeded: sixelCount)
        stretch.pointee.stop = stop
        append(bits, column, count)
        return
      }
    }
    let sixel = Int32(truncatingIfNeeded: sixelCount)
    let x = UInt16(truncatingIfNeeded: column)
    latest.pointer[Int(color)] = Int32(truncatingIfNeeded: stretchCount)
    stretches.pointer[stretchCount] = Stretch(
      first: sixel, last: sixel, x: x, stop: stop, color: color, next: Int32(truncatingIfNeeded: stretchCount &+ 1))
    stretchCount &+= 1
    append(bits, column, count)
  }

  @inline(__always)
  private func append(_ bits: UInt8, _ column: Int, _ count: Int) {
    sixels.pointer[sixelCount] = Sixel(
      next: -1, x: UInt16(truncatingIfNeeded: column), count: UInt16(truncatingIfNeeded: count), bits: bits)
    sixelCount &+= 1
  }

  /// Writes the stretches: each pass goes from left to right and takes every stretch that begins where it has come to or
  /// later.
  private func pack(_ palette: ScenePalette, into pen: inout BytePen) {
    stretches.pointer[stretchCount - 1].next = -1
    var remaining: Int32 = 0
    var selected = -1
    var isFirst = true
    while remaining >= 0 {
      if !isFirst { pen.byte(0x24) }
      isFirst = false
      var x = 0
      var current = remaining
      var previous: Int32 = -1
      while current >= 0 {
        let stretch = stretches.pointer[Int(current)]
        if Int(stretch.x) < x {
          previous = current
        } else {
          if Int(stretch.color) != selected {
            selected = Int(stretch.color)
            select(selected, palette, into: &pen)
          }
          write(stretch, from: x, into: &pen)
          x = Int(stretch.stop)
          if previous < 0 {
            remaining = stretch.next
          } else {
            stretches.pointer[Int(previous)].next = stretch.next
          }
        }
        current = stretch.next
      }
    }
  }

  /// Selects a colour; tells first what it is where it is used for the first time. Telling alone does not select it in
  /// xterm.
  @inline(__always)
  private func select(_ number: Int, _ palette: ScenePalette, into pen: inout BytePen) {
    if palette.isNew.pointer[number] { tell(number, palette, into: &pen) }
    pen.byte(0x23)
    pen.small(number)
  }

  private func tell(_ number: Int, _ palette: ScenePalette, into pen: inout BytePen) {
    palette.isNew.pointer[number] = false
    let percent = SixelColor(palette.colors[number])
    pen.byte(0x23)
    pen.small(number)
    pen.literal(";2;")
    pen.small(percent.red)
    pen.byte(0x3B)
    pen.small(percent.green)
    pen.byte(0x3B)
    pen.small(percent.blue)
  }

  @inline(__always)
  private func write(_ stretch: Stretch, from x: Int, into pen: inout BytePen) {
    Self.repeated(0, Int(stretch.x) - x, into: &pen)
    var bits: UInt8 = 0
    var count = 0
    var next = Int(stretch.x)
    var index = stretch.first
    while index >= 0 {
      let sixel = sixels.pointer[Int(index)]
      let gap = Int(sixel.x) - next
      if gap > 0 || sixel.bits != bits {
        Self.repeated(bits, count, into: &pen)
        Self.repeated(0, gap, into: &pen)
        bits = sixel.bits
        count = 0
      }
      count += Int(sixel.count)
      next = Int(sixel.x) + Int(sixel.count)
      index = sixel.next
    }
    Self.repeated(bits, count, into: &pen)
  }

  /// The same sixel several times.
  @inline(__always)
  private static func repeated(_ bits: UInt8, _ count: Int, into pen: inout BytePen) {
    if count > 3 {
      pen.byte(0x21)
      pen.number(count)
      pen.byte(0x3F + bits)
    } else {
      for _ in 0..<count { pen.byte(0x3F + bits) }
    }
  }
}

/// Eight bytes in a word.
private enum Bytes {
  static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The high bit of every byte that is not 0.
  @inline(__always)
  static func marked(_ word: UInt64) -> UInt64 {
    ((word & ~highBits) &+ ~highBits | word) & highBits
  }
}
