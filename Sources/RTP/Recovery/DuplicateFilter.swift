/// Remembers which of the last ``window`` packets came.
struct DuplicateFilter: Sendable {
  static let window = 2048

  private var bits = [UInt64](repeating: 0, count: window / 64)
  private var newest: Int64?

  /// - Returns: whether this unwrapped sequence number is new and not older than the window.
  mutating func insert(_ sequence: Int64) -> Bool {
    guard let newest else {
      newest = sequence
      set(sequence)
      return true
    }
    if sequence > newest {
      if sequence &- newest >= Int64(Self.window) {
        for index in bits.indices { bits[index] = 0 }
      } else {
        var cleared = newest + 1
        while cleared < sequence {
          let (word, mask) = Self.place(cleared)
          bits[word] &= ~mask
          cleared += 1
        }
      }
      self.newest = sequence
      set(sequence)
      return true
    }
    guard newest &- sequence < Int64(Self.window) else { return false }
    let (word, mask) = Self.place(sequence)
    guard bits[word] & mask == 0 else { return false }
    bits[word] |= mask
    return true
  }

  private mutating func set(_ sequence: Int64) {
    let (word, mask) = Self.place(sequence)
    bits[word] |= mask
  }

  private static func place(_ sequence: Int64) -> (word: Int, mask: UInt64) {
    let bit = Int(sequence & Int64(window - 1))
    return (bit / 64, 1 << UInt64(bit % 64))
  }
}
