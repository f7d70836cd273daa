/// Finds the look that comes nearest to a tile.
protocol CellMatcher {
  /// Whether its looks may be of block elements.
  var usesBlocks: Bool { get }
  /// Whether its looks tell the upper and the lower half of a cell apart and no more.
  var seesHalvesOnly: Bool { get }

  /// - Parameters:
  ///   - luma: the tile's eight words of luma.
  ///   - chroma: its four words of chroma (``TileRow``).
  func match(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>) -> CellLook
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

  /// The sum of all eight bytes.
  @inline(__always)
  static func total(_ word: UInt64) -> Int {
    Int((((word & evenBytes) &+ ((word &>> 8) & evenBytes)) &* runningSum) &>> 48)
  }
}
