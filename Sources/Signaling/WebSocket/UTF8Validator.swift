/// Checks UTF-8 (RFC 3629) piece by piece, and says no at the first byte that cannot be right.
struct UTF8Validator {
  /// Continuation bytes still to come in the present character.
  private var remaining = 0
  /// What the next continuation byte may be: narrower after some first bytes, against surrogates, overlong forms, and
  /// values past U+10FFFF.
  private var allowed: ClosedRange<UInt8> = 0x80...0xbf

  /// Whether the text so far ends with a whole character.
  var isComplete: Bool { remaining == 0 }

  /// - Returns: false if the text cannot be UTF-8, whatever follows.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      if remaining == 0 {
        index = Self.endOfASCII(bytes, from: index)
        guard index < bytes.count else { return true }
        guard begin(bytes[index]) else { return false }
      } else {
        guard allowed.contains(bytes[index]) else { return false }
        allowed = 0x80...0xbf
        remaining -= 1
      }
      index += 1
    }
    return true
  }

  /// Takes the first byte of a character.
  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0..<0x80: return true
    case 0xc2...0xdf: remaining = 1
    case 0xe0...0xef: remaining = 2
    case 0xf0...0xf4: remaining = 3
    default: return false
    }
    switch byte {
    case 0xe0: allowed = 0xa0...0xbf
    case 0xed: allowed = 0x80...0x9f
    case 0xf0: allowed = 0x90...0xbf
    case 0xf4: allowed = 0x80...0x8f
    default: allowed = 0x80...0xbf
    }
    return true
  }

  /// The first place from `index` on with a byte over 0x7f, found eight bytes at a time; perhaps a little before it.
  private static func endOfASCII(_ bytes: UnsafeRawBufferPointer, from index: Int) -> Int {
    var index = index
    while index + 8 <= bytes.count,
      bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
    {
      index += 8
    }
    return index
  }
}
