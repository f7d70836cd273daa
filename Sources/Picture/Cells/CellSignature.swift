/// What a tile looked like, coarsely: 4x4 means of luma, and the chroma of the upper and the lower half. Two of them tell
/// how far the screen has fallen behind the picture.
struct CellSignature {
  /// Luma in four words, a column of four rows of 16 bits each.
  var luma: (UInt64, UInt64, UInt64, UInt64)
  /// Upper and lower U, upper and lower V, 16 bits each.
  var chroma: UInt64

  /// How much of a tile counts.
  enum Detail {
    case full
    /// The two halves, for cells that show no more.
    case halves

    /// What an error counts. Where a cell shows shapes, more of it is in detail that nobody misses for a moment.
    var weight: Float { self == .full ? 0.67 : 1.02 }
  }

  static let zero = CellSignature(luma: (0, 0, 0, 0), chroma: 0)

  /// A unit of chroma error counts as this many of luma error: it spreads over eight of the sixteen luma samples, but
  /// the eye is less keen on it.
  private static let chromaWeight = 3

  @inline(__always)
  init(luma: (UInt64, UInt64, UInt64, UInt64), chroma: UInt64) {
    self.luma = luma
    self.chroma = chroma
  }

  /// - Parameters luma, chroma: the words of a tile (``TileRow``).
  @inline(__always)
  init(luma: UnsafePointer<UInt64>, chroma: UnsafePointer<UInt64>, detail: Detail) {
    self.luma = (
      Self.rows(luma[0], luma[1]), Self.rows(luma[2], luma[3]), Self.rows(luma[4], luma[5]), Self.rows(luma[6], luma[7])
    )
    if detail == .halves {
      let mean = Self.halves(self.luma.0 &+ self.luma.1 &+ self.luma.2 &+ self.luma.3)
      self.luma = (mean, mean, mean, mean)
    }
    let sums =
      ByteSums.even(chroma[0], chroma[1], chroma[2], chroma[3])
      &+ ByteSums.odd(chroma[0], chroma[1], chroma[2], chroma[3]) &+ (4 &* ByteSums.runningSum)
    self.chroma = (sums &>> 3) & ByteSums.evenBytes
  }

  /// Four means of 2x2 samples from two columns.
  @inline(__always)
  private static func rows(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let sums =
      (a & ByteSums.evenBytes) &+ ((a &>> 8) & ByteSums.evenBytes) &+ (b & ByteSums.evenBytes)
      &+ ((b &>> 8) & ByteSums.evenBytes) &+ (2 &* ByteSums.runningSum)
    return (sums &>> 2) & ByteSums.evenBytes
  }

  /// The mean of the two upper and of the two lower lanes, each twice, from sums of four.
  @inline(__always)
  private static func halves(_ sums: UInt64) -> UInt64 {
    let upper = ((sums & 0xFFFF) &+ ((sums &>> 16) & 0xFFFF) &+ 4) &>> 3
    let lower = (((sums &>> 32) & 0xFFFF) &+ (sums &>> 48) &+ 4) &>> 3
    return upper | upper &<< 16 | lower &<< 32 | lower &<< 48
  }

  /// The squared difference, of luma over 16 samples and of chroma weighted.
  @inline(__always)
  func distance(to other: CellSignature) -> Int {
    let mine = unsafeBitCast(luma, to: SIMD16<UInt16>.self)
    let theirs = unsafeBitCast(other.luma, to: SIMD16<UInt16>.self)
    let difference = mine &- theirs
    // At most 255 squared, which 16 bits without sign hold.
    let squares = unsafeBitCast(difference &* difference, to: SIMD8<UInt32>.self)
    let lumaError = ((squares & 0xFFFF) &+ (squares &>> 16)).wrappedSum()
    let tint = unsafeBitCast(chroma, to: SIMD4<UInt16>.self) &- unsafeBitCast(other.chroma, to: SIMD4<UInt16>.self)
    let tintSquares = SIMD4<UInt32>(truncatingIfNeeded: tint &* tint)
    return Int(lumaError) + Self.chromaWeight * Int(tintSquares.wrappedSum())
  }
}
