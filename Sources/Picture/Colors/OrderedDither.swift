/// Where a colour between two of a palette is shown as the one and where as the other: by the cell's place, so that what
/// stands still keeps its pattern.
enum OrderedDither {
  /// Bayer's matrix of 4x4: each of 0...15 once, neighbours far apart.
  private static let matrix = SIMD16<UInt8>(0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5)

  /// A threshold between 0 and 1 for a cell.
  @inline(__always)
  static func threshold(column: Int, row: Int) -> Float {
    (Float(matrix[(row & 3) << 2 | column & 3]) + 0.5) * (1 / 16)
  }
}
