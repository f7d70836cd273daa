import CSamples

/// The ways a block element cuts a tile in two, and for each tile the best of them in the sense of least squares: the one
/// whose two means explain most of the tile's variance.
///
/// For a part of n out of 64 samples with sum S, of a tile with sum T, the squared error that telling it from the rest
/// removes is (64 S - n T)^2 / (64 n (64 - n)).
final class BlockCuts {
  /// Cuts, in the order in which they are numbered; each is the part that its glyph paints: the lower 1...7 eighths, the
  /// left 1...7 eighths, the quadrants upper left, upper right, lower left, lower right, and the diagonal of upper left
  /// and lower right.
  static let count = 19
  private static let columns = 7
  private static let quadrants = 14

  /// The sums of the parts of the tiles last scored, a tile in each lane.
  private let sums = Storage(repeating: TileBatch.Lanes(), count: BlockCuts.count)
  /// (64 S - n T) / 8 sqrt(n (64 - n)) is S times the first of each pair minus T times the second.
  private let weights = Storage<Float>(repeating: 0, count: 2 * BlockCuts.count)
  private let scores = Storage(repeating: SIMD8<Float>(), count: 1)
  private let parts = Storage<UInt8>(repeating: 0, count: BlockCuts.count)
  private let glyphs = Storage(repeating: Glyph.space, count: BlockCuts.count)
  /// The cut of each glyph, its own or its inverse's; ``count`` of those that are none.
  private let cuts = Storage<UInt8>(repeating: UInt8(BlockCuts.count), count: Glyph.count)

  init() {
    for cut in 0..<Self.count {
      let (glyph, samples) = Self.definition(cut)
      glyphs.pointer[cut] = glyph
      parts.pointer[cut] = samples
      cuts.pointer[Int(glyph.id)] = UInt8(cut)
      let entry = GlyphTable.shared.entries[Int(glyph.id)]
      if entry.hasInverse { cuts.pointer[Int(entry.inverse.id)] = UInt8(cut) }
      let n = Float(samples)
      let length = (n * (64 - n)).squareRoot() * 8
      weights.pointer[2 * cut] = 64 / length
      weights.pointer[2 * cut + 1] = n / length
    }
  }

  /// The glyph of a cut, and of how many samples its part is.
  private static func definition(_ cut: Int) -> (Glyph, UInt8) {
    if cut < columns { return (Glyph(block: UInt8(1 + cut)), UInt8(8 * (cut + 1))) }
    if cut < quadrants { return (Glyph(block: UInt8(0x0F - (cut - columns))), UInt8(8 * (cut - columns + 1))) }
    let offsets: [UInt8] = [0x18, 0x1D, 0x16, 0x17, 0x1A]
    return (Glyph(block: offsets[cut - quadrants]), cut == count - 1 ? 32 : 16)
  }

  /// Scores whose lowest five bits are the number of the best cut: how much squared error it removes.
  @inline(__always)
  func best(_ batch: TileBatch) -> SIMD8<Float> {
    addUp(batch, sums.pointer)
    let sums = UnsafeRawPointer(sums.pointer).assumingMemoryBound(to: UInt16.self)
    let total = UnsafeRawPointer(batch.total).assumingMemoryBound(to: UInt16.self)
    scores.pointer.withMemoryRebound(to: Float.self, capacity: TileBatch.width) {
      glyphone_batch_best(sums, total, weights.pointer, Int32(Self.count), $0)
    }
    return scores.pointer.pointee
  }

  @inline(__always)
  private func addUp(_ batch: TileBatch, _ sums: UnsafeMutablePointer<TileBatch.Lanes>) {
    let rows = batch.rows
    var left = TileBatch.Lanes()
    var right = TileBatch.Lanes()
    for eighth in 0..<7 {
      left &+= rows[7 - eighth]
      right &+= rows[15 - eighth]
      sums[eighth] = left &+ right
      if eighth == 3 {
        sums[Self.quadrants + 2] = left
        sums[Self.quadrants + 3] = right
      }
    }
    let columns = batch.columns
    var sum = TileBatch.Lanes()
    for eighth in 0..<7 {
      sum &+= columns[eighth]
      sums[Self.columns + eighth] = sum
    }
    let upperLeft = left &+ rows[0] &- sums[Self.quadrants + 2]
    sums[Self.quadrants] = upperLeft
    sums[Self.quadrants + 1] = right &+ rows[8] &- sums[Self.quadrants + 3]
    sums[Self.quadrants + 4] = upperLeft &+ sums[Self.quadrants + 3]
  }

  /// The number of the cut that a glyph makes, or ``count``.
  @inline(__always)
  func cut(of glyph: Glyph) -> Int { Int(cuts.pointer[Int(glyph.id)]) }

  @inline(__always)
  func glyph(_ cut: Int) -> Glyph { glyphs.pointer[cut] }

  /// The means of what a cut's glyph paints and of the rest, in the tile of a lane.
  @inline(__always)
  func means(_ cut: Int, lane: Int, total: Int) -> TwoMeans {
    let sum = Int(UnsafeRawPointer(sums.pointer).assumingMemoryBound(to: UInt16.self)[cut * TileBatch.width + lane])
    let samples = Float(parts.pointer[cut])
    return TwoMeans(ink: Float(sum) / samples, ground: Float(total - sum) / (64 - samples), share: samples / 64)
  }
}
