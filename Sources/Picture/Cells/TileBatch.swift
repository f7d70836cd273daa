/// Eight tiles side by side: each vector has one sum of luma of all eight, a tile in each lane. Matching runs on eight
/// tiles at once.
final class TileBatch {
  static let width = 8
  typealias Lanes = SIMD8<UInt16>

  /// Sums along the eight rows of the left half of the tile (or, see ``Halves``, of the columns that dots cover), from
  /// the top; then of the right half.
  let rows = Storage(repeating: Lanes(), count: 16)
  /// Sums down the eight columns.
  let columns = Storage(repeating: Lanes(), count: 8)
  /// The sum of the tile, 64 samples.
  private(set) var total = Lanes()
  private let unturned = Storage(repeating: Lanes(), count: 48)

  /// Which columns make up the row sums of a half.
  enum Halves {
    /// Four and four.
    case whole
    /// The two in the middle of each, where braille dots are.
    case dots
  }

  /// Takes the tiles of eight cells of a row.
  /// - Parameters:
  ///   - luma: the row's tiles, eight words each.
  ///   - cells: the columns of eight cells.
  @inline(__always)
  func load(_ luma: UnsafePointer<UInt64>, cells: UnsafePointer<Int32>, halves: Halves) {
    let unturned = unturned.pointer
    for lane in 0..<Self.width {
      let tile = UnsafeRawPointer(luma + Int(cells[lane]) * TileRow.lumaWords)
      // Two columns in each vector; even rows in the low bytes, odd in the high.
      let (a, b) = (Pair(tile), Pair(tile + 16))
      let (c, d) = (Pair(tile + 32), Pair(tile + 48))
      unturned[lane] = a.even &+ a.odd
      unturned[8 + lane] = b.even &+ b.odd
      unturned[16 + lane] = c.even &+ c.odd
      unturned[24 + lane] = d.even &+ d.odd
      switch halves {
      case .whole:
        unturned[32 + lane] = Self.folded(a.even &+ b.even, c.even &+ d.even)
        unturned[40 + lane] = Self.folded(a.odd &+ b.odd, c.odd &+ d.odd)
      case .dots:
        unturned[32 + lane] = Lanes(
          lowHalf: a.even.highHalf &+ b.even.lowHalf, highHalf: c.even.highHalf &+ d.even.lowHalf)
        unturned[40 + lane] = Lanes(
          lowHalf: a.odd.highHalf &+ b.odd.lowHalf, highHalf: c.odd.highHalf &+ d.odd.lowHalf)
      }
    }
    let columns = columns.pointer
    var total = Lanes()
    for pair in 0..<4 {
      let turned = Transpose.words8x8(unturned + 8 * pair)
      let first = turned.0 &+ turned.1 &+ turned.2 &+ turned.3
      let second = turned.4 &+ turned.5 &+ turned.6 &+ turned.7
      columns[2 * pair] = first
      columns[2 * pair + 1] = second
      total &+= first &+ second
    }
    self.total = total
    let rows = rows.pointer
    for parity in 0..<2 {
      let turned = Transpose.words8x8(unturned + 32 + 8 * parity)
      (rows[parity], rows[2 + parity], rows[4 + parity], rows[6 + parity]) = (turned.0, turned.1, turned.2, turned.3)
      (rows[8 + parity], rows[10 + parity]) = (turned.4, turned.5)
      (rows[12 + parity], rows[14 + parity]) = (turned.6, turned.7)
    }
  }

  private struct Pair {
    let even: Lanes
    let odd: Lanes

    @inline(__always)
    init(_ columns: UnsafeRawPointer) {
      let bytes = columns.loadUnaligned(as: Lanes.self)
      even = bytes & 0xFF
      odd = bytes &>> 8
    }
  }

  /// The two halves of each vector added up.
  @inline(__always)
  private static func folded(_ a: Lanes, _ b: Lanes) -> Lanes {
    Lanes(lowHalf: a.lowHalf &+ a.highHalf, highHalf: b.lowHalf &+ b.highHalf)
  }

  /// Whole numbers below 32768 as floating point, by way of a number in which they are the low bits.
  @inline(__always)
  static func floats(_ lanes: Lanes) -> SIMD8<Float> {
    var pairs = SIMD16<UInt16>()
    pairs.evenHalf = lanes
    pairs.oddHalf = Lanes(repeating: 0x4B00)
    return unsafeBitCast(pairs, to: SIMD8<Float>.self) - 8_388_608
  }
}
