import CSamples

/// Writes the stretches of a band in as few passes as will go: each goes from left to right and takes every stretch that
/// begins where it has come to or later.
struct SixelPacker {
  let sixels: UnsafePointer<glyphone_sixel>
  /// In order of x, from number 1 on; with room for one more after the last.
  let stretches: UnsafeMutablePointer<glyphone_stretch>
  let count: Int
  /// Of each column the number of the first of its stretches that are not written yet, and a bit where there is one. No
  /// column reaches beyond the last word.
  let firsts: UnsafeMutablePointer<UInt32>
  let begins: UnsafeMutablePointer<UInt64>
  let words: Int
  let runs: UnsafePointer<SixelRuns.Entry>
  var pen: BytePen

  mutating func pack(_ palette: ScenePalette) {
    note()
    let isNew = palette.isNew.pointer
    var selected = -1
    var isFirst = true
    while var column = next(from: 0) {
      if !isFirst { pen.byte(0x24) }
      isFirst = false
      var x = 0
      while true {
        let stretch = take(column)
        let color = Int(stretch.color)
        if color != selected {
          selected = color
          // Telling what it is does not select it in xterm.
          if isNew[color] { tell(color, palette) }
          pen.byte(0x23, small: color)
        }
        x = write(stretch, from: x)
        guard let next = next(from: x) else { break }
        column = next
      }
    }
  }

  /// Notes in which columns stretches begin.
  private func note() {
    begins.update(repeating: 0, count: words)
    // After the last one comes one that begins in no column.
    stretches[count &+ 1].x = .max
    for number in stride(from: count, to: 0, by: -1) {
      let column = Int(stretches[number].x)
      firsts[column] = UInt32(truncatingIfNeeded: number)
      begins[column &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: column)
    }
  }

  /// The first column from one on in which stretches begin that are not written yet.
  @inline(__always)
  private func next(from column: Int) -> Int? {
    var word = column &>> 6
    var columns = begins[word] & (.max &<< UInt64(truncatingIfNeeded: column))
    while columns == 0 {
      word &+= 1
      if word == words { return nil }
      columns = begins[word]
    }
    return word &<< 6 &+ columns.trailingZeroBitCount
  }

  /// The first stretch of a column, which is then no longer there.
  @inline(__always)
  private func take(_ column: Int) -> glyphone_stretch {
    let stretch = stretches + Int(firsts[column])
    firsts[column] &+= 1
    let isLast = Int(stretch[1].x) != column
    begins[column &>> 6] ^= (isLast ? 1 : 0) &<< UInt64(truncatingIfNeeded: column)
    return stretch.pointee
  }

  private mutating func tell(_ number: Int, _ palette: ScenePalette) {
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
  private mutating func write(_ stretch: glyphone_stretch, from x: Int) -> Int {
    pen.run(of: 0, Int(stretch.x) &- x, runs)
    var sixel = sixels[Int(stretch.first)]
    var bits = sixel.link & 63
    var count = Int(sixel.count)
    var end = Int(sixel.x) &+ count
    while sixel.link >= 64 {
      sixel = sixels[Int(sixel.link &>> 6)]
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
final class SixelRuns {
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
  fileprivate mutating func run(of bits: UInt32, _ count: Int, _ runs: UnsafePointer<SixelRuns.Entry>) {
    let sixel = 0x3F &+ bits
    if count <= SixelRuns.most {
      let entry = runs[count]
      packed(entry.prefix &+ UInt64(sixel) &* entry.factor, count: Int(entry.prefix &>> 56))
    } else {
      byte(0x21)
      number(count)
      byte(UInt8(truncatingIfNeeded: sixel))
    }
  }
}
