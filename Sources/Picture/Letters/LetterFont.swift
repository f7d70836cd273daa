/// Fonts whose letters are known: how dark each of them is, and where. What is drawn with the letters of the terminal's
/// own font looks best; any other text font of the same proportions comes close.
public enum LetterFont: String, Sendable, CaseIterable {
  /// Spleen 8x16, for bitmap fonts of that size.
  case spleen
  /// Terminus Bold 8x16, for the Linux console and other bitmap fonts with strokes of two pixels.
  case terminusBold = "terminus-bold"
  /// DejaVu Sans Mono, for outline fonts.
  case dejaVuSansMono = "dejavu"
}
