import CSamples

/// Finds the nearest of up to 255 colours. Answers are remembered in a table over 7 bits of each sample, so
/// only colours not seen before cost a search.
final class PaletteLookup {
  /// Most colours there can be; one number is left for ``none``.
  static let mostColors = 255
  /// The number of no colour.
  static let none: UInt8 = 255

  struct Entry {
    var y: Int32
    var u: Int32
    var v: Int32

    init(y: Int32, u: Int32, v: Int32) {
      (self.y, self.u, self.v) = (y, u, v)
    }

    init(_ color: Color) {
      (y, u, v) = (Int32(color.y), Int32(color.u), Int32(color.v))
    }

    var doubled: Entry { Entry(y: 2 &* y, u: 2 &* u, v: 2 &* v) }

    /// Squared difference, as it is minimized: luma counts a quarter more than each chroma, and all is four times as large.
    @inline(__always)
    func distance(y otherY: Int32, u otherU: Int32, v otherV: Int32) -> Int32 {
      let (dy, du, dv) = (y &- otherY, u &- otherU, v &- otherV)
      return PaletteLookup.lumaWeight &* dy &* dy &+ PaletteLookup.chromaWeight &* (du &* du &+ dv &* dv)
    }

    @inline(__always)
    func distance(to other: Entry) -> Int32 { distance(y: other.y, u: other.u, v: other.v) }
  }

  static var lumaWeight: Int32 { Int32(glyphone_distance_luma_weight) }
  static var chromaWeight: Int32 { Int32(glyphone_distance_chroma_weight) }

  private let table = Storage<UInt8>(repeating: none, count: 1 << 21)
  /// The places of the table where there is an answer, as long as there is room for them.
  private let answered = Storage<UInt32>(repeating: 0, count: 1 << 17)
  private var answers = 0
  /// By number; the one of ``none`` is far away from everything.
  private let entryStorage = Storage<Entry>(repeating: farAway, count: 256)
  /// The samples in halves, those of Y before those of U and V, as `glyphone_halves` has them.
  private let halves = Storage<Int16>(repeating: farHalf, count: 3 * 256)
  private(set) var count = 0
  var entries: UnsafePointer<Entry> { UnsafePointer(entryStorage.pointer) }
  private let colorStorage = Storage<glyphone_color>(repeating: unknown, count: 256)
  /// The same colours for ``SixelMemory``; the samples of ``none`` are far from those of any that is displayed.
  var colors: UnsafePointer<glyphone_color> { UnsafePointer(colorStorage.pointer) }

  private let sampleStorage = Storage(repeating: glyphone_palette(), count: 1)
  /// The same for the loops in C, as long as this one lives.
  var forSamples: UnsafePointer<glyphone_palette> { UnsafePointer(sampleStorage.pointer) }

  init() {
    sampleStorage.pointer.pointee = glyphone_palette(
      colors: colors, nearest: table.pointer,
      find: { lookup, slot in
        guard let lookup else { return PaletteLookup.none }
        return Unmanaged<PaletteLookup>.fromOpaque(lookup).takeUnretainedValue().remember(slot)
      }, finder: Unmanaged.passUnretained(self).toOpaque())
  }

  private static let farAway = Entry(y: 5000, u: 5000, v: 5000)
  private static let farHalf: Int16 = 2000
  private static let unknown = glyphone_color(luma: .max, chroma: .max)

  /// Takes other colours, as many as there were or not; everything found before is forgotten.
  func setColors(_ colors: UnsafeBufferPointer<Color>) {
    take(colors)
    table.fill(Self.none)
    answers = 0
  }

  /// Takes some other colours. What was found before is forgotten only where it was one of these: elsewhere a colour that
  /// came a little nearer is not worth the search.
  /// - Parameter isOther: by number.
  func setColors(_ colors: UnsafeBufferPointer<Color>, others isOther: UnsafePointer<Bool>) {
    guard answers <= answered.count else { return setColors(colors) }
    take(colors)
    var kept = 0
    for index in 0..<answers {
      let slot = answered.pointer[index]
      let number = table.pointer + Int(slot)
      if isOther[Int(number.pointee)] {
        number.pointee = Self.none
      } else {
        answered.pointer[kept] = slot
        kept &+= 1
      }
    }
    answers = kept
  }

  private func take(_ colors: UnsafeBufferPointer<Color>) {
    count = min(colors.count, Self.mostColors)
    entryStorage.fill(Self.farAway)
    colorStorage.fill(Self.unknown)
    halves.fill(Self.farHalf)
    for number in 0..<count {
      let color = colors[number]
      entryStorage.pointer[number] = Entry(color)
      halves.pointer[number] = 2 * Int16(color.y)
      halves.pointer[256 + number] = 2 * Int16(color.u)
      halves.pointer[512 + number] = 2 * Int16(color.v)
      colorStorage.pointer[number] = glyphone_color(
        luma: UInt16(color.y) | UInt16(truncatingIfNeeded: number << 8), chroma: UInt16(color.u) | UInt16(color.v) << 8)
    }
  }

  /// The number of the nearest colour.
  @inline(__always)
  func nearest(_ color: Color) -> UInt8 {
    let slot = Int(color.u &>> 1) &<< 14 | Int(color.v &>> 1) &<< 7 | Int(color.y &>> 1)
    let known = table.pointer[slot]
    return known != Self.none ? known : remember(slot)
  }

  @inline(never)
  private func remember(_ slot: Int) -> UInt8 {
    let (y, u, v) = (slot << 1 & 254, slot >> 13 & 254, slot >> 6 & 254)
    let color = Color(y: UInt8(y), u: UInt8(u), v: UInt8(v))
    let shown = color.displayed
    // Twice the middle of the slot, which lies between whole numbers.
    let middle: Int32 = shown == color ? 1 : 0
    let found = search(
      y2: 2 * Int32(shown.y) + middle, u2: 2 * Int32(shown.u) + middle, v2: 2 * Int32(shown.v) + middle)
    table.pointer[slot] = found
    if answers < answered.count { answered.pointer[answers] = UInt32(truncatingIfNeeded: slot) }
    answers &+= 1
    return found
  }

  /// The number of the colour nearest to one that is given in halves.
  func search(y2: Int32, u2: Int32, v2: Int32) -> UInt8 {
    let found = UnsafePointer(halves.pointer).withMemoryRebound(to: glyphone_halves.self, capacity: 1) {
      glyphone_samples_nearest($0, Int32(truncatingIfNeeded: count), y2, u2, v2)
    }
    if found >= 0 { return UInt8(truncatingIfNeeded: found) }
    var best = (number: Self.none, distance: Int32.max)
    for number in 0..<count {
      let distance = entries[number].doubled.distance(y: y2, u: u2, v: v2)
      if distance < best.distance { best = (UInt8(truncatingIfNeeded: number), distance) }
    }
    return best.number
  }
}
