/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  /// Pixels of one colour in one column, and the next ones of the stretch.
  private struct Sixel {
    var next: Int32
    var x: UInt16
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

  private let width: Int
  private let sixels: Storage<Sixel>
  private var sixelCount = 0
  /// In order of x.
  private let stretches: Storage<Stretch>
  private var stretchCount = 0
  /// The last stretch of each colour, or -1.
  private let latest = Storage<Int32>(repeating: -1, count: 256)

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    self.width = width
    sixels = Storage(repeating: Sixel(next: -1, x: 0, bits: 0), count: 6 * width)
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
      // Each sixel is at most a gap (5 bytes), a colour (4), itself (5), and the end of its pass.
      var pen = writer.begin(atMost: 16 * sixelCount + 256 * 20 + skipped + 8)
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

  /// Finds the stretches of a band, column by column.
  private func collect(_ pixels: Pixels, x: Int, row: Int, width: Int) {
    sixelCount = 0
    stretchCount = 0
    latest.fill(-1)
    let stride = pixels.stride
    let first = pixels.indices + row * stride + x
    let known = pixels.shown.map { $0 + row * stride + x }
    var column = 0
    while column < width {
      let end = min(column + 8, width)
      guard let known else {
        for column in column..<end { addColumn(column, first + column, stride) }
        column = end
        continue
      }
      if end - column < 8 || !Self.isSame(first + column, known + column, stride) {
        for column in column..<end { addColumn(column, first + column, known + column, stride) }
      }
      column = end
    }
  }

  /// Whether six rows of eight pixels are on the screen already.
  @inline(__always)
  private static func isSame(_ pixels: UnsafePointer<UInt8>, _ shown: UnsafePointer<UInt8>, _ stride: Int) -> Bool {
    var difference: UInt64 = 0
    var offset = 0
    for _ in 0..<6 {
      difference |=
        UnsafeRawPointer(pixels + offset).loadUnaligned(as: UInt64.self)
        ^ UnsafeRawPointer(shown + offset).loadUnaligned(as: UInt64.self)
      offset &+= stride
    }
    return difference == 0
  }

  /// Adds all pixels of a column.
  @inline(__always)
  private func addColumn(_ column: Int, _ pixels: UnsafePointer<UInt8>, _ stride: Int) {
    var color = pixels[0]
    var bits: UInt8 = 1
    var offset = stride
    var bit: UInt8 = 2
    while bit < 64 {
      let next = pixels[offset]
      if next != color {
        add(color, bits, column)
        color = next
        bits = 0
      }
      bits |= bit
      offset &+= stride
      bit &<<= 1
    }
    add(color, bits, column)
  }

  /// Adds the pixels of a column that are not on the screen yet.
  @inline(__always)
  private func addColumn(
    _ column: Int, _ pixels: UnsafePointer<UInt8>, _ shown: UnsafePointer<UInt8>, _ stride: Int
  ) {
    var offset = 0
    var bit: UInt8 = 1
    while bit < 64 {
      let color = pixels[offset]
      if color != shown[offset] { add(color, bit, column) }
      offset &+= stride
      bit &<<= 1
    }
  }

  /// Adds pixels to the stretch of their colour, or begins another.
  @inline(__always)
  private func add(_ color: UInt8, _ bits: UInt8, _ column: Int) {
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
        stretch.pointee.stop = UInt16(truncatingIfNeeded: column &+ 1)
        append(bits, column)
        return
      }
    }
    let sixel = Int32(truncatingIfNeeded: sixelCount)
    let x = UInt16(truncatingIfNeeded: column)
    latest.pointer[Int(color)] = Int32(truncatingIfNeeded: stretchCount)
    stretches.pointer[stretchCount] = Stretch(
      first: sixel, last: sixel, x: x, stop: x &+ 1, color: color, next: Int32(truncatingIfNeeded: stretchCount &+ 1))
    stretchCount &+= 1
    append(bits, column)
  }

  @inline(__always)
  private func append(_ bits: UInt8, _ column: Int) {
    sixels.pointer[sixelCount] = Sixel(next: -1, x: UInt16(truncatingIfNeeded: column), bits: bits)
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
      count += 1
      next = Int(sixel.x) + 1
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
