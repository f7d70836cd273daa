import CSamples

/// Eight tiles side by side: each vector has one sum of luma of all eight, a tile in each lane. Matching runs on eight
/// tiles at once.
final class TileBatch {
  static let width = 8
  typealias Lanes = SIMD8<UInt16>

  /// Laid out as a `glyphone_batch`.
  private let sums = Storage(repeating: Lanes(), count: MemoryLayout<glyphone_batch>.size / MemoryLayout<Lanes>.size)

  /// Sums along the eight rows of the left half of the tile (or, see ``Halves``, of the columns that dots cover), from
  /// the top; then of the right half.
  var rows: UnsafePointer<Lanes> { UnsafePointer(sums.pointer) }
  /// Sums down the eight columns.
  var columns: UnsafePointer<Lanes> { rows + 16 }
  /// The sum of the tile, 64 samples.
  var total: UnsafePointer<Lanes> { rows + 24 }

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
    sums.pointer.withMemoryRebound(to: glyphone_batch.self, capacity: 1) {
      glyphone_batch_load(luma, cells, halves == .dots ? 1 : 0, $0)
    }
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
