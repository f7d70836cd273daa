import CSamples

/// A band of sixels with the memory that it needs.
final class SixelBand {
  private let sixelStorage: Storage<UInt64>
  private let stretches: Storage<glyphone_stretch>
  private let colors = Storage<UInt8>(repeating: 0, count: 257)
  private let texts: SixelTexts
  var sixels: glyphone_sixels

  /// The colours that the terminal is to be told before it is written.
  var newColors: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: colors.pointer, count: Int(sixels.new_count))
  }

  /// Its text takes no more bytes than this, and what is written beyond its end.
  var room: Int { 19 * Int(sixels.sixel_count) + 32 }

  /// - Parameter width: of the widest band, in pixels.
  init(width: Int) {
    sixelStorage = Storage(repeating: 0, count: Int(glyphone_passes) + 6 * width)
    stretches = Storage(repeating: glyphone_stretch(), count: 6 * width + 1)
    texts = SixelTexts(width: width)
    sixels = glyphone_sixels(
      sixels: sixelStorage.pointer, stretches: stretches.pointer, runs: texts.runs, names: texts.names,
      new_colors: colors.pointer, sixel_count: 0, stretch_count: 0, new_count: 0)
  }
}
