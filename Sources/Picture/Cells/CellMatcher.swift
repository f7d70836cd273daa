/// Finds the looks that come nearest to tiles.
protocol CellMatcher {
  /// What its looks may be written with.
  var repertoire: CellWriter.Repertoire { get }
  /// How much of a tile its looks can show.
  var detail: CellDetail { get }

  func match(_ job: MatchingJob)
}

/// How much of a tile counts.
enum CellDetail {
  case full
  /// The two halves, for cells that show no more.
  case halves

  /// What an error counts. Where a cell shows shapes, more of it is in detail that nobody misses for a moment.
  var weight: Float { self == .full ? 0.67 : 1.02 }
}

/// Some cells of a row whose looks are wanted.
struct MatchingJob {
  /// The tiles of the row.
  let tiles: TileRow
  /// The row's number in the picture.
  let row: Int
  /// Columns of the cells; up to the next multiple of ``TileBatch/width`` the last of them is repeated.
  let columns: UnsafePointer<Int32>
  let count: Int
  /// How wrong each of those cells is on the screen; infinite for one that is to be exact.
  let errors: UnsafePointer<Float>
  /// What all cells of the row show now.
  let shown: UnsafePointer<CellLook>
  /// Where the looks go, in the order of `columns`; there is room up to the next multiple of ``TileBatch/width``.
  let looks: UnsafeMutablePointer<CellLook>

  /// The look on the screen, to be kept when another is hardly better; nil where only the best will do.
  @inline(__always)
  func lookToKeep(_ index: Int) -> CellLook? {
    errors[index] == .infinity ? nil : shown[Int(columns[index])]
  }

  @inline(__always)
  func luma(_ column: Int) -> UnsafePointer<UInt64> { UnsafePointer(tiles.luma + column * TileRow.lumaWords) }

  @inline(__always)
  func chroma(_ column: Int) -> UnsafePointer<UInt64> { UnsafePointer(tiles.chroma + column * TileRow.chromaWords) }
}

/// Adding up bytes inside of words: the even and the odd bytes apart, as four sums of 16 bits each.
enum ByteSums {
  static let evenBytes: UInt64 = 0x00FF_00FF_00FF_00FF
  /// Multiplying four 16-bit lanes with it leaves in each lane the sum of the lanes up to it.
  static let runningSum: UInt64 = 0x0001_0001_0001_0001

  @inline(__always)
  static func even(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    (a & evenBytes) &+ (b & evenBytes) &+ (c & evenBytes) &+ (d & evenBytes)
  }

  @inline(__always)
  static func odd(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    even(a &>> 8, b &>> 8, c &>> 8, d &>> 8)
  }

  /// One of four 16-bit lanes, the lowest first.
  @inline(__always)
  static func lane(_ word: UInt64, _ index: Int) -> Int {
    Int((word &>> (16 &* UInt64(truncatingIfNeeded: index))) & 0xFFFF)
  }
}
