/// A tile's luma on the grid of letters, 4x8. Each sample is the sum of two, so that nothing is rounded.
///
/// Vectors are of eight lanes everywhere here: the library goes through longer ones, and through most of what is not
/// arithmetic (masks, bounds), lane by lane.
struct LetterTile {
  typealias Column = SIMD8<UInt16>

  let columns: (Column, Column, Column, Column)

  @inline(__always)
  init(_ a: Column, _ b: Column, _ c: Column, _ d: Column) { columns = (a, b, c, d) }

  /// - Parameter luma: the words of a tile (``TileRow``).
  @inline(__always)
  init(_ luma: UnsafePointer<UInt64>) {
    @inline(__always) func samples(_ column: Int) -> Column {
      Column(truncatingIfNeeded: unsafeBitCast(luma[column], to: SIMD8<UInt8>.self))
    }
    self.init(
      samples(0) &+ samples(1), samples(2) &+ samples(3), samples(4) &+ samples(5), samples(6) &+ samples(7))
  }

  /// The mean of the 64 samples that were summed.
  @inline(__always)
  var mean: Float { Float((columns.0 &+ columns.1 &+ columns.2 &+ columns.3).wrappedSum()) * (1 / 64) }

  /// The squared differences from a mean, of 32 samples.
  @inline(__always)
  func squares(around mean: Float) -> Float {
    @inline(__always) func squares(_ column: Column) -> SIMD8<Float> {
      let difference = TileBatch.floats(column) * 0.5 - mean
      return difference * difference
    }
    return (squares(columns.0) + squares(columns.1) + squares(columns.2) + squares(columns.3)).sum()
  }

  /// How far each sample is above a floor, at most `span`.
  @inline(__always)
  func above(_ floor: UInt16, atMost span: UInt16) -> LetterTile {
    @inline(__always) func positive(_ column: Column) -> Column { column & ((column &>> 15) &- 1) }
    @inline(__always) func bounded(_ column: Column) -> Column {
      2 &* span &- positive(2 &* span &- positive(column &- 2 &* floor))
    }
    return LetterTile(bounded(columns.0), bounded(columns.1), bounded(columns.2), bounded(columns.3))
  }
}
