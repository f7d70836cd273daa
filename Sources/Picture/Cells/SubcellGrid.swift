/// A way to cut a cell into equal parts, two across, each of which is of one colour or the other. A pattern is the set of
/// parts that are ink: bit 0 is the upper left, bit 1 the one right of it, and so on downwards.
enum SubcellGrid {
  case quadrant
  case sextant
  case octant

  var parts: Int {
    switch self {
    case .quadrant: 4
    case .sextant: 6
    case .octant: 8
    }
  }

  /// The glyph of a pattern: a block element where there is one, for more fonts have those.
  func glyph(_ pattern: Int) -> Glyph {
    let rows = parts / 2
    // The block element with the same parts, if both are a whole number of quadrants or of eighths from above or below.
    if pattern == 0 { return .space }
    if pattern == 1 << parts - 1 { return .fullBlock }
    let full = 1 << rows
    var (left, right) = (0, 0)
    for row in 0..<rows {
      left |= (pattern >> (2 * row) & 1) << row
      right |= (pattern >> (2 * row + 1) & 1) << row
    }
    if left == full - 1, right == 0 { return Glyph(block: 0x0C) }
    if right == full - 1, left == 0 { return Glyph(block: 0x10) }
    if rows % 2 == 0, let quadrants = Self.quadrants(left, right, rows) { return Self.quadrantGlyphs[quadrants] }
    switch self {
    case .quadrant: return Self.quadrantGlyphs[pattern]
    case .sextant: return Glyph(id: Glyph.firstSextant + UInt16(pattern))
    case .octant:
      switch pattern {
      case 0xC0: return Glyph(block: 0x02)
      case 0xFC: return Glyph(block: 0x06)
      default: return Glyph(id: Glyph.firstOctant + UInt16(pattern))
      }
    }
  }

  /// The set of quadrants (in the order of patterns) that two columns of parts are, if they are.
  private static func quadrants(_ left: Int, _ right: Int, _ rows: Int) -> Int? {
    let half = 1 << (rows / 2) - 1
    var result = 0
    for (place, bits) in [left & half, right & half, left >> (rows / 2), right >> (rows / 2)].enumerated() {
      if bits == half { result |= 1 << place } else if bits != 0 { return nil }
    }
    return result
  }

  private static let quadrantGlyphs: [Glyph] = [
    0x20, 0x98, 0x9D, 0x80, 0x96, 0x8C, 0x9E, 0x9B, 0x97, 0x9A, 0x90, 0x9C, 0x84, 0x99, 0x9F, 0x88,
  ].map { $0 == 0x20 ? .space : Glyph(block: $0 - 0x80) }
}

/// Where Unicode has the patterns.
enum SubcellGlyphs {
  /// Block Sextant U+1FB00...1FB3B: all patterns in order but those that are block elements.
  static func sextant(_ pattern: UInt8) -> UInt32 {
    switch pattern {
    case 0: 0x20
    case 0x15: 0x258C
    case 0x2A: 0x2590
    case 0x3F: 0x2588
    default: 0x1FB00 + UInt32(pattern) - 1 - (pattern > 0x15 ? 1 : 0) - (pattern > 0x2A ? 1 : 0)
    }
  }

  /// Block Octant U+1CD00...1CDE5: all patterns in order but those that were encoded before, here or there.
  static func octant(_ pattern: UInt8) -> UInt32 {
    if let elsewhere = octantsElsewhere[pattern] { return elsewhere }
    let skipped = octantsElsewhere.keys.filter { $0 < pattern }.count
    return 0x1CD00 + UInt32(pattern) - UInt32(skipped)
  }

  private static let octantsElsewhere: [UInt8: UInt32] = [
    0x00: 0x20, 0xFF: 0x2588, 0x0F: 0x2580, 0xF0: 0x2584, 0x55: 0x258C, 0xAA: 0x2590,
    0x05: 0x2598, 0x0A: 0x259D, 0x50: 0x2596, 0xA0: 0x2597, 0xA5: 0x259A, 0x5A: 0x259E,
    0x5F: 0x259B, 0xAF: 0x259C, 0xF5: 0x2599, 0xFA: 0x259F,
    // Quarters from above and below, three of them, the corners, and the halves of a quarter in the middle.
    0x03: 0x1FB82, 0xC0: 0x2582, 0x3F: 0x1FB85, 0xFC: 0x2586,
    0x01: 0x1CEA8, 0x02: 0x1CEAB, 0x40: 0x1CEA3, 0x80: 0x1CEA0, 0x14: 0x1FBE6, 0x28: 0x1FBE7,
  ]

  /// Octants that are apart from all others: a terminal that draws octants need not draw them (foot 1.28 does not). What
  /// they leave is among the others.
  static let strayOctants: Set<Int> = [0x01, 0x02, 0x40, 0x80, 0x14, 0x28]

  /// Braille numbers its dots down the left column, down the right, then the two lowest.
  static func brailleBits(_ dots: UInt8) -> UInt32 {
    let places: [UInt32] = [0, 3, 1, 4, 2, 5, 6, 7]
    return places.enumerated().reduce(0) { $0 | UInt32(dots >> UInt8($1.offset) & 1) << $1.element }
  }
}
