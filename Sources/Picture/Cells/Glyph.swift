/// A character that a cell can show, by a small number: ASCII is itself, 256 and up are the block elements U+2580...259F.
struct Glyph: Hashable {
  let id: UInt16

  private static var firstBlock: UInt16 { 256 }

  static var space: Glyph { Glyph(ascii: 0x20) }
  static var fullBlock: Glyph { Glyph(block: 0x08) }
  static var lowerHalf: Glyph { Glyph(block: 0x04) }

  @inline(__always)
  init(ascii: UInt8) {
    id = UInt16(ascii)
  }

  /// The block element U+2580 + `offset`.
  @inline(__always)
  init(block offset: UInt8) {
    id = Self.firstBlock + UInt16(offset)
  }

  /// The glyph that paints what this one leaves, if there is one.
  @inline(__always)
  var inverse: Glyph? {
    if self == .space { return .fullBlock }
    guard id >= Self.firstBlock else { return nil }
    let other = Self.inverses[Int(id - Self.firstBlock) & 31]
    return other == Self.none ? nil : other == Self.blank ? .space : Glyph(block: other)
  }

  private static var none: UInt8 { 0xFF }
  private static var blank: UInt8 { 0xFE }
  /// Offsets from U+2580. (Computed, so that the compiler makes a constant of it.)
  private static var inverses: SIMD32<UInt8> {
    SIMD32(
      0x04, none, none, none, 0x00, none, none, 0x14, blank, 0x15, none, none, 0x10, none, none, none,
      0x0C, none, none, none, 0x07, 0x09, 0x1C, 0x1B, 0x1F, 0x1D, 0x1E, 0x17, 0x16, 0x19, 0x1A, 0x18)
  }

  /// Bytes as the terminal takes them.
  @inline(__always)
  var utf8: (bytes: UInt32, count: Int) {
    if id < Self.firstBlock { return (UInt32(id), 1) }
    // E2 96 80 ... E2 96 9F
    return (0x80_96E2 + UInt32(id - Self.firstBlock) << 16, 3)
  }
}
