/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  /// Six pixels of one colour in one column.
  private struct Sixel {
    var x: UInt16
    var color: UInt8
    var bits: UInt8
  }

  /// Sixels of one colour that lie close together, in order: `start..<end`, from `x` to before `stop`.
  private struct Stretch {
    var start: Int32
    var end: Int32
    var x: UInt16
    var stop: UInt16
    var color: UInt8
    /// The next stretch by x.
    var next: Int32
  }

  /// Gaps of up to this many columns are written as blanks rather than leaving the colour.
  private static let smallGap = 4

  private let width: Int
  private let found: Storage<Sixel>
  private let sorted: Storage<Sixel>
  private let stretches: Storage<Stretch>
  /// First stretch at each column.
  private let heads: Storage<Int32>
  private let ends = Storage<Int32>(repeating: 0, count: 257)

  /// - Parameter width: of the widest rectangle, in pixels.
  init(width: Int) {
    self.width = width
    found = Storage(repeating: Sixel(x: 0, color: 0, bits: 0), count: 6 * width)
    sorted = Storage(repeating: Sixel(x: 0, color: 0, bits: 0), count: 6 * width)
    stretches = Storage(repeating: Stretch(start: 0, end: 0, x: 0, stop: 0, color: 0, next: -1), count: 6 * width)
    heads = Storage(repeating: -1, count: width)
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
      let count = collect(pixels, x: x, row: top + band * 6, width: width)
      if count == 0 { continue }
      // Each sixel is at most a gap (5 bytes), a colour (4), itself (5), and the end of its pass.
      var pen = writer.begin(atMost: 16 * count + 256 * 20 + skipped + 8)
      while skipped > 0 {
        pen.byte(0x2D)
        skipped -= 1
      }
      pack(count: sort(count), palette, into: &pen)
      writer.finish(pen)
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }

  /// Lists the sixels of a band, column by column; returns how many.
  private func collect(_ pixels: Pixels, x: Int, row: Int, width: Int) -> Int {
    let stride = pixels.stride
    let first = pixels.indices + row * stride + x
    let known = pixels.shown.map { $0 + row * stride + x }
    var count = 0
    var column = 0
    while column < width {
      if let known, column + 8 <= width, Self.isSame(first + column, known + column, stride) {
        column += 8
        continue
      }
      for column in column..<min(column + 8, width) {
        count = collect(column, first + column, known.map { $0 + column }, stride, after: count)
      }
      column += 8
    }
    return count
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

  /// Lists the sixels of one column after the `count` there are; returns how many there are then.
  @inline(__always)
  private func collect(
    _ column: Int, _ pixels: UnsafePointer<UInt8>, _ shown: UnsafePointer<UInt8>?, _ stride: Int, after count: Int
  ) -> Int {
    let found = found.pointer
    var end = count
    var offset = 0
    for line in 0..<6 {
      let color = pixels[offset]
      let isKnown = shown.map { $0[offset] == color } ?? false
      offset &+= stride
      if isKnown { continue }
      let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: line)
      var at = count
      while at < end, found[at].color != color { at &+= 1 }
      if at < end {
        found[at].bits |= bit
      } else {
        found[end] = Sixel(x: UInt16(truncatingIfNeeded: column), color: color, bits: bit)
        end &+= 1
      }
    }
    return end
  }

  /// Sorts the sixels by colour and joins them into stretches; returns how many of those.
  private func sort(_ count: Int) -> Int {
    let ends = ends.pointer
    ends.update(repeating: 0, count: 257)
    for index in 0..<count { ends[Int(found.pointer[index].color) + 1] += 1 }
    for color in 0..<256 { ends[color + 1] += ends[color] }
    for index in 0..<count {
      let sixel = found.pointer[index]
      sorted.pointer[Int(ends[Int(sixel.color)])] = sixel
      ends[Int(sixel.color)] += 1
    }
    var made = 0
    for index in 0..<count {
      let sixel = sorted.pointer[index]
      if made > 0, stretches.pointer[made - 1].color == sixel.color,
        Int(sixel.x) - Int(stretches.pointer[made - 1].stop) <= Self.smallGap
      {
        stretches.pointer[made - 1].end += 1
        stretches.pointer[made - 1].stop = sixel.x + 1
      } else {
        stretches.pointer[made] = Stretch(
          start: Int32(index), end: Int32(index) + 1, x: sixel.x, stop: sixel.x + 1, color: sixel.color, next: -1)
        made += 1
      }
    }
    return made
  }

  /// Writes the stretches: each pass goes from left to right and takes every stretch that begins where it has come to or
  /// later.
  private func pack(count: Int, _ palette: ScenePalette, into pen: inout BytePen) {
    var remaining = chain(count)
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

  /// Links all stretches in order of x; returns the first, or -1.
  private func chain(_ count: Int) -> Int32 {
    heads.fill(-1)
    for index in Swift.stride(from: count - 1, through: 0, by: -1) {
      let x = Int(stretches.pointer[index].x)
      stretches.pointer[index].next = heads.pointer[x]
      heads.pointer[x] = Int32(index)
    }
    var last: Int32 = -1
    for x in Swift.stride(from: width - 1, through: 0, by: -1) where heads.pointer[x] >= 0 {
      var tail = heads.pointer[x]
      while stretches.pointer[Int(tail)].next >= 0 { tail = stretches.pointer[Int(tail)].next }
      stretches.pointer[Int(tail)].next = last
      last = heads.pointer[x]
    }
    return last
  }

  @inline(__always)
  private func write(_ stretch: Stretch, from x: Int, into pen: inout BytePen) {
    Self.repeated(0, Int(stretch.x) - x, into: &pen)
    var bits: UInt8 = 0
    var count = 0
    var next = Int(stretch.x)
    for index in Int(stretch.start)..<Int(stretch.end) {
      let sixel = sorted.pointer[index]
      let gap = Int(sixel.x) - next
      if gap > 0 || sixel.bits != bits {
        Self.repeated(bits, count, into: &pen)
        Self.repeated(0, gap, into: &pen)
        bits = sixel.bits
        count = 0
      }
      count += 1
      next = Int(sixel.x) + 1
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
