/// A character that a cell can show, by a small number: ASCII is itself; then come the block elements U+2580...259F, and
/// the patterns of sixths, eighths and braille dots, each by the set of its parts.
struct Glyph: Hashable {
  let id: UInt16

  static let firstBlock: UInt16 = 128
  static let firstSextant: UInt16 = 160
  static let firstOctant: UInt16 = 224
  static let firstBraille: UInt16 = 480
  /// How many numbers there are.
  static let count = 736

  static var space: Glyph { Glyph(ascii: 0x20) }
  static var fullBlock: Glyph { Glyph(block: 0x08) }
  static var upperHalf: Glyph { Glyph(block: 0x00) }
  static var lowerHalf: Glyph { Glyph(block: 0x04) }

  @inline(__always)
  init(id: UInt16) {
    self.id = id
  }

  @inline(__always)
  init(ascii: UInt8) {
    id = UInt16(ascii)
  }

  /// The block element U+2580 + `offset`.
  @inline(__always)
  init(block offset: UInt8) {
    id = Self.firstBlock + UInt16(offset)
  }

  /// The braille pattern of a set of dots: bit 0 is the upper left dot, bit 1 the one right of it, and so on downwards.
  @inline(__always)
  init(braille dots: UInt8) {
    id = Self.firstBraille + UInt16(dots)
  }
}

/// What is known of each glyph: its bytes, and the glyph that paints what it leaves, if it may be written for it.
final class GlyphTable: Sendable {
  struct Entry {
    /// UTF-8, the first byte lowest.
    var bytes: UInt32 = 0x20
    var byteCount: UInt8 = 1
    var hasInverse = false
    var inverse = Glyph.space
  }

  static let shared = GlyphTable()

  /// Raw memory, so that looking a glyph up costs no bounds check and no reference count. Safe to share: only `init` writes
  /// it, before anybody else has the table, and ``entries`` hands it out for reading.
  private nonisolated(unsafe) let storage = Storage(repeating: Entry(), count: Glyph.count)
  var entries: UnsafePointer<Entry> { UnsafePointer(storage.pointer) }

  private init() {
    for id in 0..<UInt16(Glyph.count) {
      guard let scalar = Unicode.Scalar(Self.scalar(id)) else { continue }
      var entry = Entry(bytes: 0, byteCount: 0)
      for byte in String(Character(scalar)).utf8 {
        entry.bytes |= UInt32(byte) << (8 * UInt32(entry.byteCount))
        entry.byteCount += 1
      }
      if let inverse = Self.inverse(id) {
        entry.hasInverse = true
        entry.inverse = inverse
      }
      storage.pointer[Int(id)] = entry
    }
  }

  private static func scalar(_ id: UInt16) -> UInt32 {
    switch id {
    case ..<Glyph.firstBlock: UInt32(id)
    case ..<Glyph.firstSextant: 0x2580 + UInt32(id - Glyph.firstBlock)
    case ..<Glyph.firstOctant: SubcellGlyphs.sextant(UInt8(id - Glyph.firstSextant))
    case ..<Glyph.firstBraille: SubcellGlyphs.octant(UInt8(id - Glyph.firstOctant))
    default: 0x2800 + SubcellGlyphs.brailleBits(UInt8(id - Glyph.firstBraille))
    }
  }

  private static func inverse(_ id: UInt16) -> Glyph? {
    switch id {
    case 0x20: return .fullBlock
    case ..<Glyph.firstBlock: return nil
    case ..<Glyph.firstSextant:
      let other = blockInverses[Int(id - Glyph.firstBlock)]
      return other == 0xFF ? nil : other == 0xFE ? .space : Glyph(block: other)
    case ..<Glyph.firstOctant: return SubcellGrid.sextant.glyph(63 - Int(id - Glyph.firstSextant))
    case ..<Glyph.firstBraille:
      let other = 255 - Int(id - Glyph.firstOctant)
      return SubcellGlyphs.strayOctants.contains(other) ? nil : SubcellGrid.octant.glyph(other)
    default: return nil
    }
  }

  /// Offsets from U+2580; 0xFE is the space, 0xFF nothing.
  private static let blockInverses: [UInt8] = [
    0x04, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0x14, 0xFE, 0x15, 0xFF, 0xFF, 0x10, 0xFF, 0xFF, 0xFF,
    0x0C, 0xFF, 0xFF, 0xFF, 0x07, 0x09, 0x1C, 0x1B, 0x1F, 0x1D, 0x1E, 0x17, 0x16, 0x19, 0x1A, 0x18,
  ]
}
