/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  /// Pixels of one colour in columns that are alike.
  private struct Sixel {
    var x: UInt16
    var count: UInt16
    /// The six bits, and above them the number of the stretch's next sixel; that is 0 at its end, for the first of all
    /// follows none.
    var link: UInt32
  }

  /// Sixels of one colour that lie close together.
  private struct Stretch {
    var first: UInt32
    /// The next one that is not written yet; 0 at the end.
    var next: UInt32
    var x: UInt16
    var color: UInt8
  }

  /// The end of the last stretch of a colour. Columns are counted on from band to band, so that it is far from what the
  /// next band has of the colour.
  private struct Latest {
    var stop: Int32
    var sixel: UInt32

    static let none = Latest(stop: .min / 2, sixel: 0)
  }

  /// Gaps of up to this many columns are written as blanks rather than leaving the colour.
  private static let smallGap = 4

  private let sixels: Storage<Sixel>
  private var sixelCount = 0
  /// In order of x, from number 1 on; the next one of 0 is the first.
  private let stretches: Storage<Stretch>
  private var stretchCount = 0
  /// Where the columns of the band begin.
  private var origin: Int32 = 0
  /// Of each colour.
  private let latest = Storage<Latest>(repeating: .none, count: 256)

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    sixels = Storage(repeating: Sixel(x: 0, count: 0, link: 0), count: 6 * width)
    stretches = Storage(repeating: Stretch(first: 0, next: 0, x: 0, color: 0), count: 6 * width + 1)
  }

  /// Where the pixels are, and which of them the terminal shows already.
  struct Pixels {
    var indices: UnsafePointer<UInt8>
    /// What the terminal shows, afterwards with what was painted; nil to paint every pixel.
    var shown: UnsafeMutablePointer<UInt8>?
    var stride: Int
  }

  /// Writes the image of a rectangle; `top` is counted in pixels of the raster. Of a band that is not whole no more is
  /// painted than the height.
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
    latest.fill(.none)
    origin = 0
    var skipped = 0
    for band in 0..<(height + 5) / 6 {
      if band > 0 { skipped += 1 }
      collect(pixels, x: x, row: top + band * 6, width: width, height: min(6, height - band * 6))
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
  private func collect(_ pixels: Pixels, x: Int, row: Int, width: Int, height: Int) {
    sixelCount = 0
    stretchCount = 0
    origin &+= Int32(truncatingIfNeeded: width &+ Self.smallGap &+ 1)
    let place = row * pixels.stride + x
    if let shown = pixels.shown {
      collectChanges(pixels.indices + place, shown + place, stride: pixels.stride, width: width)
    } else {
      collect(pixels.indices + place, stride: pixels.stride, width: width, height: height)
    }
  }

  /// Takes the pixels that are not shown already. Most columns have none, so sixteen are looked at at a time.
  private func collectChanges(
    _ pixels: UnsafePointer<UInt8>, _ shown: UnsafeMutablePointer<UInt8>, stride: Int, width: Int
  ) {
    var column = 0
    while column < width {
      // A byte for each column, a bit for each row.
      var differences = SIMD16<UInt8>()
      for row in 0..<6 {
        let place = row &* stride &+ column
        let isSame = SIMD16(loading: pixels + place) .== SIMD16(loading: shown + place)
        differences |= SIMD16(repeating: 1 &<< UInt8(truncatingIfNeeded: row)).replacing(with: 0, where: isSame)
      }
      let (first, second) = differences.words
      if first != 0 { addEight(first, pixels + column, shown + column, stride, column, width) }
      if second != 0 { addEight(second, pixels + column + 8, shown + column + 8, stride, column &+ 8, width) }
      column &+= 16
    }
  }

  /// Takes those pixels of eight columns for which there is a bit: each column has a byte of them, each row a bit of it.
  @inline(__always)
  private func addEight(
    _ bits: UInt64, _ pixels: UnsafePointer<UInt8>, _ shown: UnsafeMutablePointer<UInt8>, _ stride: Int, _ column: Int,
    _ width: Int
  ) {
    var bits = bits
    if column &+ 8 > width { bits &= column < width ? (1 &<< UInt64(8 &* (width &- column))) &- 1 : 0 }
    while bits != 0 {
      let place = bits.trailingZeroBitCount
      bits &= bits &- 1
      let x = place &>> 3
      let row = place & 7
      let color = pixels[row &* stride &+ x]
      shown[row &* stride &+ x] = color
      add(color, 1 &<< UInt32(truncatingIfNeeded: row), column &+ x, 1)
    }
  }

  /// Goes through runs of columns that are alike. A run ends where any row has another colour in the next column.
  private func collect(_ pixels: UnsafePointer<UInt8>, stride: Int, width: Int, height: Int) {
    let end: UInt32 = 1 &<< UInt32(truncatingIfNeeded: height)
    var start = 0
    var column = 0
    while column < width {
      var difference: UInt64 = 0
      var row = UnsafeRawPointer(pixels + column)
      for _ in 0..<height {
        difference |= row.loadUnaligned(as: UInt64.self) ^ (row + 1).loadUnaligned(as: UInt64.self)
        row += stride
      }
      var ends = Bytes.marked(difference)
      while ends != 0 {
        let stop = column &+ ends.trailingZeroBitCount &>> 3 &+ 1
        if stop >= width { break }
        addColumns(start, stop &- start, pixels + start, stride, end)
        start = stop
        ends &= ends &- 1
      }
      column &+= 8
    }
    addColumns(start, width - start, pixels + start, stride, end)
  }

  /// Adds all pixels of some columns that are alike.
  /// - Parameter end: the bit of the first row below.
  @inline(__always)
  private func addColumns(_ column: Int, _ count: Int, _ pixels: UnsafePointer<UInt8>, _ stride: Int, _ end: UInt32) {
    var color = pixels[0]
    var bits: UInt32 = 1
    var offset = stride
    var bit: UInt32 = 2
    while bit < end {
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
  private func add(_ color: UInt8, _ bits: UInt32, _ column: Int, _ count: Int) {
    let last = latest.pointer + Int(color)
    let x = origin &+ Int32(truncatingIfNeeded: column)
    let gap = x &- last.pointee.stop
    if gap < 0 {
      sixels.pointer[Int(last.pointee.sixel)].link |= bits
      return
    }
    let number = UInt32(truncatingIfNeeded: sixelCount)
    let place = UInt16(truncatingIfNeeded: column)
    if gap <= Self.smallGap {
      sixels.pointer[Int(last.pointee.sixel)].link |= number &<< 6
    } else {
      stretchCount &+= 1
      stretches.pointer[stretchCount] = Stretch(
        first: number, next: UInt32(truncatingIfNeeded: stretchCount &+ 1), x: place, color: color)
    }
    last.pointee = Latest(stop: x &+ Int32(truncatingIfNeeded: count), sixel: number)
    sixels.pointer[sixelCount] = Sixel(x: place, count: UInt16(truncatingIfNeeded: count), link: bits)
    sixelCount &+= 1
  }

  /// Writes the stretches: each pass goes from left to right and takes every stretch that begins where it has come to or
  /// later.
  private func pack(_ palette: ScenePalette, into pen: inout BytePen) {
    let stretches = stretches.pointer
    stretches[0].next = 1
    stretches[stretchCount].next = 0
    var selected = -1
    var isFirst = true
    while stretches[0].next != 0 {
      if !isFirst { pen.byte(0x24) }
      isFirst = false
      var x = 0
      var previous = 0
      var current = Int(stretches[0].next)
      while current != 0 {
        let stretch = stretches[current]
        if Int(stretch.x) < x {
          previous = current
        } else {
          if Int(stretch.color) != selected {
            selected = Int(stretch.color)
            select(selected, palette, into: &pen)
          }
          x = write(stretch, from: x, into: &pen)
          stretches[previous].next = stretch.next
        }
        current = Int(stretch.next)
      }
    }
  }

  /// Selects a colour; tells first what it is where it is used for the first time. Telling alone does not select it in
  /// xterm.
  @inline(__always)
  private func select(_ number: Int, _ palette: ScenePalette, into pen: inout BytePen) {
    if palette.isNew.pointer[number] { tell(number, palette, into: &pen) }
    pen.byte(0x23, small: number)
  }

  private func tell(_ number: Int, _ palette: ScenePalette, into pen: inout BytePen) {
    palette.isNew.pointer[number] = false
    let percent = SixelColor(palette.colors[number])
    pen.byte(0x23, small: number)
    pen.literal(";2;")
    pen.small(percent.red)
    pen.byte(0x3B)
    pen.small(percent.green)
    pen.byte(0x3B)
    pen.small(percent.blue)
  }

  /// Writes a stretch; returns where it ends.
  @inline(__always)
  private func write(_ stretch: Stretch, from x: Int, into pen: inout BytePen) -> Int {
    Self.repeated(0, Int(stretch.x) &- x, into: &pen)
    var sixel = sixels.pointer[Int(stretch.first)]
    var bits = sixel.link & 63
    var count = Int(sixel.count)
    var end = Int(sixel.x) &+ count
    while sixel.link >= 64 {
      sixel = sixels.pointer[Int(sixel.link &>> 6)]
      let gap = Int(sixel.x) &- end
      if gap > 0 || sixel.link & 63 != bits {
        Self.repeated(bits, count, into: &pen)
        Self.repeated(0, gap, into: &pen)
        bits = sixel.link & 63
        count = 0
      }
      count &+= Int(sixel.count)
      end = Int(sixel.x) &+ Int(sixel.count)
    }
    Self.repeated(bits, count, into: &pen)
    return end
  }

  /// The same sixel several times.
  @inline(__always)
  private static func repeated(_ bits: UInt32, _ count: Int, into pen: inout BytePen) {
    let sixel = 0x3F &+ bits
    if count <= 3 {
      pen.packed(sixel &* 0x01_0101, count: count)
    } else if count < 256 {
      pen.byte(0x21, small: count)
      pen.byte(UInt8(truncatingIfNeeded: sixel))
    } else {
      pen.byte(0x21)
      pen.number(count)
      pen.byte(UInt8(truncatingIfNeeded: sixel))
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
