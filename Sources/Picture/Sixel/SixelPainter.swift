import CSamples

/// Chooses the palette's colour of every pixel by what it is worth: the one with the least error, where each byte that it
/// probably takes counts as much error as a byte costs. A pixel keeps what the screen shows of it unless another colour is
/// worth its bytes; beside pixels that are painted anyway their colour is cheap, so runs grow longer.
struct SixelPainter {
  /// The prices of a byte in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``: where the picture changes, where it
  /// has stood still for long, and in a whole picture.
  private let change: Int32
  private let settling: Int32
  private let whole: Int32

  /// In squared luma error, for each of lambda. What a whole frame shows stays for long, and so does what has stood still.
  private static let prices = (change: 1.95, settling: 0.1, whole: 0.9)
  /// No price is higher: sums of it must be far from overflowing.
  private static let highestPrice = 20_000.0

  init(lambda: Double) {
    func price(_ price: Double) -> Int32 {
      Int32(min(price * lambda * Double(PaletteLookup.lumaWeight), Self.highestPrice))
    }
    change = price(Self.prices.change)
    settling = price(Self.prices.settling)
    whole = price(Self.prices.whole)
  }

  /// Paints all pixels of a rectangle of which nothing is shown.
  /// - Parameter isOdd: whether its first row is an odd one of the picture.
  func paintWhole(_ pixels: inout glyphone_pixels, isOdd: Bool, _ width: Int, _ height: Int, _ lookup: PaletteLookup) {
    glyphone_samples_paint_whole(
      &pixels, isOdd ? 1 : 0, Int32(truncatingIfNeeded: width), Int32(truncatingIfNeeded: height), whole,
      lookup.forSamples)
  }

  /// Paints those pixels of a group of bands that are worth it. The group's needs become what was painted.
  func paintChanges(_ pixels: inout glyphone_pixels, _ group: SixelMemory.Group, width: Int, _ lookup: PaletteLookup) {
    glyphone_samples_paint_changes(
      &pixels, group.columns, group.painted, group.needs, Int32(truncatingIfNeeded: group.bands),
      Int32(truncatingIfNeeded: width), change, settling, lookup.forSamples)
  }
}
