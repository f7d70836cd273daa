import CSamples

/// Writes a rectangle of palette indices as one sixel image. In each band of six rows the stretches of all colours are
/// packed into as few passes as will go, so that little is spent on skipping.
final class SixelEncoder {
  private let sixels: Storage<glyphone_sixel>
  /// In order of x, from number 1 on.
  private let stretches: Storage<glyphone_stretch>
  /// Of each column the number of the first of its stretches that are not written yet, and a bit where there is one. No
  /// column reaches beyond the last word.
  private let firsts: Storage<UInt32>
  private let begins: Storage<UInt64>
  /// Of each colour.
  private let latest = Storage<glyphone_latest>(repeating: none, count: 256)
  private var band: glyphone_sixels
  private let runs = RunTable()

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
      pack(palette, into: &pen)
      writer.finish(pen)
    }
    pen = writer.begin(atMost: 8)
    pen.literal(ControlSequence.stringTerminator)
    writer.finish(pen)
  }

  /// Writes the stretches: each pass goes from left to right and takes every stretch that begins where it has come to or
  /// later.
  private func pack(_ palette: ScenePalette, into pen: inout BytePen) {
    note()
    var selected = -1
    var isFirst = true
    while var column = next(from: 0) {
      if !isFirst { pen.byte(0x24) }
      isFirst = false
      var x = 0
      while true {
        let stretch = take(column)
        if Int(stretch.color) != selected {
          selected = Int(stretch.color)
          select(selected, palette, into: &pen)
        }
        x = write(stretch, from: x, into: &pen)
        guard let next = next(from: x) else { break }
        column = next
      }
    }
  }

  /// Notes in which columns stretches begin.
  private func note() {
    begins.fill(0)
    // After the last one comes one that begins in no column.
    let count = Int(band.stretch_count)
    stretches.pointer[count &+ 1].x = .max
    for number in stride(from: count, to: 0, by: -1) {
      let column = Int(stretches.pointer[number].x)
      firsts.pointer[column] = UInt32(truncatingIfNeeded: number)
      begins.pointer[column &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: column)
    }
  }

  /// The first column from one on in which stretches begin that are not written yet.
  @inline(__always)
  private func next(from column: Int) -> Int? {
    var word = column &>> 6
    var columns = begins.pointer[word] & (.max &<< UInt64(truncatingIfNeeded: column))
    while columns == 0 {
      word &+= 1
      if word == begins.count { return nil }
      columns = begins.pointer[word]
    }
    return word &<< 6 &+ columns.trailingZeroBitCount
  }

  /// The first stretch of a column, which is then no longer there.
  @inline(__always)
  private func take(_ column: Int) -> glyphone_stretch {
    let stretch = stretches.pointer + Int(firsts.pointer[column])
    firsts.pointer[column] &+= 1
    let isLast = Int(stretch[1].x) != column
    begins.pointer[column &>> 6] ^= (isLast ? 1 : 0) &<< UInt64(truncatingIfNeeded: column)
    return stretch.pointee
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

  /// Writes a stretch; returns where it ends. Whether a sixel makes a run longer no processor foresees, so there is no
  /// branch: a run is always written, and counts when the next one is another.
  @inline(__always)
  private func write(_ stretch: glyphone_stretch, from x: Int, into pen: inout BytePen) -> Int {
    let runs = runs.entries
    pen.run(of: 0, Int(stretch.x) &- x, runs)
    var sixel = sixels.pointer[Int(stretch.first)]
    var bits = sixel.link & 63
    var count = Int(sixel.count)
    var end = Int(sixel.x) &+ count
    while sixel.link >= 64 {
      sixel = sixels.pointer[Int(sixel.link &>> 6)]
      let gap = Int(sixel.x) &- end
      let next = sixel.link & 63
      let isOther = gap != 0 || next != bits
      let start = pen.position
      pen.run(of: bits, count, runs)
      pen.run(of: 0, gap, runs)
      pen.position = isOther ? pen.position : start
      count = (isOther ? 0 : count) &+ Int(sixel.count)
      bits = next
      end = Int(sixel.x) &+ Int(sixel.count)
    }
    pen.run(of: bits, count, runs)
    return end
  }
}

/// The same sixel so many times, ready to be stored once the sixel is known.
private final class RunTable {
  struct Entry {
    /// What comes before it, the first byte lowest; the length of all in the highest.
    var prefix: UInt64 = 0
    /// What is to be added for each step of the sixel's byte.
    var factor: UInt64 = 0
  }

  /// Longer runs are rare.
  static let most = 255
  private let storage = Storage(repeating: Entry(), count: most + 1)
  var entries: UnsafePointer<Entry> { UnsafePointer(storage.pointer) }

  init() {
    for count in 1...Self.most {
      // Few are shorter without a number.
      let text = count <= 3 ? [] : Array("!\(count)".utf8)
      let sixels = count <= 3 ? count : 1
      var entry = Entry(prefix: UInt64(text.count + sixels) << 56)
      for (place, byte) in text.enumerated() { entry.prefix |= UInt64(byte) << UInt64(8 * place) }
      for place in 0..<sixels { entry.factor |= 1 << UInt64(8 * (text.count + place)) }
      storage.pointer[count] = entry
    }
  }
}

extension BytePen {
  /// The same sixel several times.
  @inline(__always)
  fileprivate mutating func run(of bits: UInt32, _ count: Int, _ runs: UnsafePointer<RunTable.Entry>) {
    let sixel = 0x3F &+ bits
    if count <= RunTable.most {
      let entry = runs[count]
      packed(entry.prefix &+ UInt64(sixel) &* entry.factor, count: Int(entry.prefix &>> 56))
    } else {
      byte(0x21)
      number(count)
      byte(UInt8(truncatingIfNeeded: sixel))
    }
  }
}
