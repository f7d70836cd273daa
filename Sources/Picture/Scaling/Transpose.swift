/// Turning blocks of eight times eight.
enum Transpose {
  /// Byte `i` of word `j` becomes byte `j` of word `i`.
  @inline(__always)
  static func bytes8x8(from word: (Int) -> UInt64, into output: UnsafeMutablePointer<UInt64>) {
    let r01 = interleaved(word(0), word(1))
    let r23 = interleaved(word(2), word(3))
    let r45 = interleaved(word(4), word(5))
    let r67 = interleaved(word(6), word(7))
    let upper = (interleaved(r01.lowHalf, r23.lowHalf), interleaved(r01.highHalf, r23.highHalf))
    let lower = (interleaved(r45.lowHalf, r67.lowHalf), interleaved(r45.highHalf, r67.highHalf))
    let target = UnsafeMutableRawPointer(output)
    store(upper.0.lowHalf, lower.0.lowHalf, at: target)
    store(upper.0.highHalf, lower.0.highHalf, at: target + 16)
    store(upper.1.lowHalf, lower.1.lowHalf, at: target + 32)
    store(upper.1.highHalf, lower.1.highHalf, at: target + 48)
  }

  /// The bytes of two words in turn, as eight pairs.
  @inline(__always)
  private static func interleaved(_ a: UInt64, _ b: UInt64) -> SIMD8<UInt16> {
    var bytes = SIMD16<UInt8>()
    bytes.evenHalf = unsafeBitCast(a, to: SIMD8<UInt8>.self)
    bytes.oddHalf = unsafeBitCast(b, to: SIMD8<UInt8>.self)
    return unsafeBitCast(bytes, to: SIMD8<UInt16>.self)
  }

  /// Pairs in turn, as four times four bytes.
  @inline(__always)
  private static func interleaved(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> SIMD4<UInt32> {
    var pairs = SIMD8<UInt16>()
    pairs.evenHalf = a
    pairs.oddHalf = b
    return unsafeBitCast(pairs, to: SIMD4<UInt32>.self)
  }

  @inline(__always)
  private static func store(_ upper: SIMD2<UInt32>, _ lower: SIMD2<UInt32>, at target: UnsafeMutableRawPointer) {
    var words = SIMD4<UInt32>()
    words.evenHalf = upper
    words.oddHalf = lower
    target.storeBytes(of: words, as: SIMD4<UInt32>.self)
  }

  typealias Words = SIMD8<UInt16>

  /// Lane `i` of vector `j` becomes lane `j` of vector `i`.
  @inline(__always)
  static func words8x8(
    _ rows: UnsafePointer<Words>
  ) -> (Words, Words, Words, Words, Words, Words, Words, Words) {
    // Twice: lanes of rows four apart in turn, which three times over turns the block.
    let a = (low(rows[0], rows[4]), high(rows[0], rows[4]), low(rows[1], rows[5]), high(rows[1], rows[5]))
    let b = (low(rows[2], rows[6]), high(rows[2], rows[6]), low(rows[3], rows[7]), high(rows[3], rows[7]))
    let c = (low(a.0, b.0), high(a.0, b.0), low(a.1, b.1), high(a.1, b.1))
    let d = (low(a.2, b.2), high(a.2, b.2), low(a.3, b.3), high(a.3, b.3))
    return (
      low(c.0, d.0), high(c.0, d.0), low(c.1, d.1), high(c.1, d.1), low(c.2, d.2), high(c.2, d.2), low(c.3, d.3),
      high(c.3, d.3)
    )
  }

  /// The low halves' lanes in turn.
  @inline(__always)
  private static func low(_ a: Words, _ b: Words) -> Words {
    var result = Words()
    result.evenHalf = a.lowHalf
    result.oddHalf = b.lowHalf
    return result
  }

  /// The high halves' lanes in turn.
  @inline(__always)
  private static func high(_ a: Words, _ b: Words) -> Words {
    var result = Words()
    result.evenHalf = a.highHalf
    result.oddHalf = b.highHalf
    return result
  }
}
