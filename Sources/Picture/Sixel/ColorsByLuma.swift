import CSamples

/// Colours in order of luma, to find the nearest of them eight at a time. All samples are in halves.
final class ColorsByLuma {
  private typealias Lanes = SIMD8<Int16>

  private static let most = 256
  /// Far colours before and after the others, where the search ends.
  private static let margin = 8
  private let y = Storage<Int16>(repeating: farAway, count: most + 2 * margin)
  private let u = Storage<Int16>(repeating: farAway, count: most + 2 * margin)
  private let v = Storage<Int16>(repeating: farAway, count: most + 2 * margin)
  private let numbers = Storage<UInt8>(repeating: PaletteLookup.none, count: most + 2 * margin)
  /// Where the colours of each luma begin.
  private let starts = Storage<Int>(repeating: margin, count: 257)

  private static let farAway: Int16 = 2000
  /// Differences are counted up to this, so that a distance of three fits into 15 bits.
  private static var farthest: Int16 { Int16(glyphone_distance_farthest) }
  /// A distance of so much or more is perhaps one of more.
  private static var largest: Int32 { Int32(glyphone_distance_largest) }

  /// Takes other colours.
  func sort(_ entries: UnsafePointer<PaletteLookup.Entry>, count: Int) {
    y.fill(Self.farAway)
    starts.fill(0)
    for number in 0..<count { starts.pointer[Int(entries[number].y) + 1] += 1 }
    starts.pointer[0] = Self.margin
    for luma in 0..<256 { starts.pointer[luma + 1] += starts.pointer[luma] }
    for number in 0..<count {
      let entry = entries[number].doubled
      let start = starts.pointer + Int(entries[number].y)
      y.pointer[start.pointee] = Int16(truncatingIfNeeded: entry.y)
      u.pointer[start.pointee] = Int16(truncatingIfNeeded: entry.u)
      v.pointer[start.pointee] = Int16(truncatingIfNeeded: entry.v)
      numbers.pointer[start.pointee] = UInt8(truncatingIfNeeded: number)
      start.pointee += 1
    }
    // Each start has moved to the next one's place.
    for luma in stride(from: 256, through: 1, by: -1) { starts.pointer[luma] = starts.pointer[luma - 1] }
    starts.pointer[0] = Self.margin
  }

  /// The number of the nearest colour; nil where none is near. Walks outwards from the colours of the same luma and stops
  /// where luma alone is too far away.
  /// - Parameters:
  ///   - guess: a colour that may be near.
  ///   - distance: of the guess.
  func nearest(y wantedY: Int32, u: Int32, v: Int32, guess: UInt8, distance: Int32) -> UInt8? {
    var search = Search(y: wantedY, u: u, v: v, best: Int(guess), distance: min(distance, Self.largest))
    let start = starts.pointer[Int(min(max(wantedY / 2, 0), 255))]
    var place = start
    while search.reaches(y.pointer[place]) {
      consider(place, &search)
      place &+= 8
    }
    place = start &- 8
    while search.reaches(y.pointer[place &+ 7]) {
      consider(place, &search)
      place &-= 8
    }
    return search.distance < Self.largest ? UInt8(truncatingIfNeeded: search.best) : nil
  }

  private struct Search {
    var y: Int32
    var u: Int32
    var v: Int32
    var best: Int
    var distance: Int32

    /// Whether a colour with some luma may be nearer than the best.
    @inline(__always)
    func reaches(_ luma: Int16) -> Bool {
      let difference = Int32(luma) &- y
      return PaletteLookup.lumaWeight &* difference &* difference < distance
    }
  }

  /// Looks at the eight colours from a place on.
  @inline(__always)
  private func consider(_ place: Int, _ search: inout Search) {
    @inline(__always) func squared(_ samples: Storage<Int16>, _ wanted: Int32) -> Lanes {
      let lanes = UnsafeRawPointer(samples.pointer + place).loadUnaligned(as: Lanes.self)
      let difference = lanes &- Lanes(repeating: Int16(truncatingIfNeeded: wanted))
      let capped = difference.larger(0 &- difference).smaller(Lanes(repeating: Self.farthest))
      return capped &* capped
    }
    let luma = squared(y, search.y) &* Int16(PaletteLookup.lumaWeight)
    let chroma = (squared(u, search.u) &+ squared(v, search.v)) &* Int16(PaletteLookup.chromaWeight)
    let distances = luma &+ chroma
    guard (distances &- Lanes(repeating: Int16(truncatingIfNeeded: search.distance))).isAnyNegative else { return }
    for lane in 0..<8 where Int32(distances[lane]) < search.distance {
      search.distance = Int32(distances[lane])
      search.best = Int(numbers.pointer[place &+ lane])
    }
  }
}
