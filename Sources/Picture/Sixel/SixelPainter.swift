import CSamples

/// Chooses the palette's colour of every pixel by what it is worth: the one with the least error, where each byte that it
/// probably takes counts as much error as a byte costs. A pixel keeps what the screen shows of it unless another colour is
/// worth its bytes; beside pixels that are painted anyway their colour is cheap, so runs grow longer.
struct SixelPainter {
  /// The price of a byte in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``.
  private let price: Int32

  /// No price is higher: sums of it must be far from overflowing.
  private static let highestPrice = 20_000.0

  /// - Parameter price: of a byte, in squared luma error.
  init(price: Double) {
    self.price = Int32(min(price * Double(PaletteLookup.lumaWeight), Self.highestPrice))
  }

  /// Paints all pixels of a rectangle of which nothing is shown.
  /// - Parameter isOdd: whether its first row is an odd one of the picture.
  func paintWhole(_ pixels: inout glyphone_pixels, isOdd: Bool, _ width: Int, _ height: Int, _ lookup: PaletteLookup) {
    glyphone_samples_paint_whole(
      &pixels, isOdd ? 1 : 0, Int32(truncatingIfNeeded: width), Int32(truncatingIfNeeded: height), price,
      lookup.forSamples)
  }

  /// Paints those pixels of up to six rows that are worth it; returns a bit for each row with such pixels.
  /// - Parameters:
  ///   - pixels: the first row, the top one of a band.
  ///   - count: of columns, at most sixteen.
  ///   - rows: a bit for each row to be looked at, the first lowest.
  ///   - hasLeft: whether there are pixels to the left.
  @inline(__always)
  func paintChanges(_ pixels: inout glyphone_pixels, _ count: Int, rows: UInt32, hasLeft: Bool, _ lookup: PaletteLookup)
    -> UInt32
  {
    glyphone_samples_paint(&pixels, rows, Int32(truncatingIfNeeded: count), hasLeft ? 1 : 0, price, lookup.forSamples)
  }
}
