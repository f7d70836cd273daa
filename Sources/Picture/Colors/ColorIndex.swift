/// Finds the nearest colour of a palette. Answers are remembered in a table over 7 bits of luma and 6 of each chroma, so
/// only colours never seen before cost a search.
final class ColorIndex {
  /// Most colours in a palette.
  static let mostColors = 256

  private struct Entry {
    var y: Int32
    var u: Int32
    var v: Int32
    var index: Int32
  }

  /// What a squared difference of chroma counts; luma counts ``lumaWeight``.
  static let chromaWeight: Int32 = 2
  let lumaWeight: Int32

  private let table = Storage<UInt16>(repeating: 0, count: 1 << 19)
  /// In order of luma.
  private let entries = Storage<Entry>(repeating: Entry(y: 0, u: 0, v: 0, index: 0), count: ColorIndex.mostColors)
  private(set) var count = 0

  /// - Parameter lumaWeight: in halves of what chroma counts.
  init(lumaWeight: Int32) {
    self.lumaWeight = lumaWeight
  }

  convenience init(_ palette: [Color], lumaWeight: Int32) {
    self.init(lumaWeight: lumaWeight)
    palette.withUnsafeBufferPointer { setPalette($0) }
  }

  /// Takes the first ``mostColors`` of a palette, at least one.
  func setPalette(_ colors: UnsafeBufferPointer<Color>) {
    count = min(colors.count, Self.mostColors)
    for (index, color) in colors.prefix(count).enumerated() {
      entries.pointer[index] = Entry(y: Int32(color.y), u: Int32(color.u), v: Int32(color.v), index: Int32(index))
    }
    var sorted = UnsafeMutableBufferPointer(start: entries.pointer, count: count)
    sorted.sort { $0.y < $1.y }
    table.fill(0)
  }

  /// The index of the nearest colour.
  @inline(__always)
  func nearest(y: UInt8, u: UInt8, v: UInt8) -> UInt8 {
    let slot = Int(y >> 1) << 12 | Int(u >> 2) << 6 | Int(v >> 2)
    let known = table.pointer[slot]
    if known != 0 { return UInt8(truncatingIfNeeded: known &- 1) }
    return search(slot)
  }

  @inline(__always)
  func nearest(_ color: Color) -> UInt8 { nearest(y: color.y, u: color.u, v: color.v) }

  @inline(never)
  private func search(_ slot: Int) -> UInt8 {
    // The middle of the slot's range.
    let y = Int32(slot >> 12) << 1
    let u = Int32(slot >> 6 & 63) << 2 + 1
    let v = Int32(slot & 63) << 2 + 1
    let found = UInt8(truncatingIfNeeded: nearestEntry(y: y, u: u, v: v).index)
    table.pointer[slot] = UInt16(found) + 1
    return found
  }

  /// Nearest palette index and its weighted squared distance. Walks outwards from the entries of the same luma and stops
  /// where luma alone is too far away.
  func nearestEntry(y: Int32, u: Int32, v: Int32) -> (index: Int32, distance: Int32) {
    let entries = UnsafePointer(entries.pointer)
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].y < y { low = middle + 1 } else { high = middle }
    }
    var best: (index: Int32, distance: Int32) = (0, .max)
    var up = low
    var down = low - 1
    while up < count || down >= 0 {
      if up < count {
        if consider(entries[up], y, u, v, &best) { up += 1 } else { up = count }
      }
      if down >= 0 {
        if consider(entries[down], y, u, v, &best) { down -= 1 } else { down = -1 }
      }
    }
    return best
  }

  /// False when luma alone is farther away than the best so far.
  @inline(__always)
  private func consider(
    _ entry: Entry, _ y: Int32, _ u: Int32, _ v: Int32, _ best: inout (index: Int32, distance: Int32)
  ) -> Bool {
    let luma = lumaWeight * (entry.y - y) * (entry.y - y)
    guard luma < best.distance else { return false }
    let distance = luma + Self.chromaWeight * ((entry.u - u) * (entry.u - u) + (entry.v - v) * (entry.v - v))
    if distance < best.distance { best = (entry.index, distance) }
    return true
  }
}
