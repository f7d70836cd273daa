/// Turning blocks of eight times eight.
enum Transpose {
  /// Byte `i` of word `j` becomes byte `j` of word `i`.
  @inline(__always)
  static func bytes8x8(from word: (Int) -> UInt64, into output: UnsafeMutablePointer<UInt64>) {
    let r01 = interleaved(word(0), word(1))
    let r23 = interleaved(word(2), word(3))
    let r45 = interleaved(word(4), word(5))
    let r67 = interleaved(word(6), word(7))
    let upper = (pairs(r01.lowHalf, r23.lowHalf), pairs(r01.highHalf, r23.highHalf))
    let lower = (pairs(r45.lowHalf, r67.lowHalf), pairs(r45.highHalf, r67.highHalf))
    let target = UnsafeMutableRawPointer(output)
    target.storeBytes(of: fours(upper.0.lowHalf, lower.0.lowHalf), as: SIMD2<UInt64>.self)
    target.storeBytes(of: fours(upper.0.highHalf, lower.0.highHalf), toByteOffset: 16, as: SIMD2<UInt64>.self)
    target.storeBytes(of: fours(upper.1.lowHalf, lower.1.lowHalf), toByteOffset: 32, as: SIMD2<UInt64>.self)
    target.storeBytes(of: fours(upper.1.highHalf, lower.1.highHalf), toByteOffset: 48, as: SIMD2<UInt64>.self)
  }

  /// The bytes of two words in turn, as eight pairs.
  @inline(__always)
  private static func interleaved(_ a: UInt64, _ b: UInt64) -> SIMD8<UInt16> {
    var bytes = SIMD16<UInt8>()
    bytes.evenHalf = unsafeBitCast(a, to: SIMD8<UInt8>.self)
    bytes.oddHalf = unsafeBitCast(b, to: SIMD8<UInt8>.self)
    return unsafeBitCast(bytes, to: SIMD8<UInt16>.self)
  }

  typealias Words = SIMD8<UInt16>

  /// Lane `i` of vector `j` becomes lane `j` of vector `i`.
  @inline(__always)
  static func words8x8(
    _ rows: UnsafePointer<Words>
  ) -> (Words, Words, Words, Words, Words, Words, Words, Words) {
    let upper = words4x8(rows[0], rows[1], rows[2], rows[3])
    let lower = words4x8(rows[4], rows[5], rows[6], rows[7])
    return (
      joined(upper.0[0], lower.0[0]), joined(upper.0[1], lower.0[1]), joined(upper.1[0], lower.1[0]),
      joined(upper.1[1], lower.1[1]), joined(upper.2[0], lower.2[0]), joined(upper.2[1], lower.2[1]),
      joined(upper.3[0], lower.3[0]), joined(upper.3[1], lower.3[1])
    )
  }

  /// Four rows turned: eight columns of four lanes, two in each vector. (Each step has a type of its own, or else the
  /// compiler takes the steps apart.)
  @inline(__always)
  private static func words4x8(
    _ a: Words, _ b: Words, _ c: Words, _ d: Words
  ) -> (SIMD2<UInt64>, SIMD2<UInt64>, SIMD2<UInt64>, SIMD2<UInt64>) {
    let (lowPairs, otherLowPairs) = (pairs(a.lowHalf, b.lowHalf), pairs(c.lowHalf, d.lowHalf))
    let (highPairs, otherHighPairs) = (pairs(a.highHalf, b.highHalf), pairs(c.highHalf, d.highHalf))
    return (
      fours(lowPairs.lowHalf, otherLowPairs.lowHalf), fours(lowPairs.highHalf, otherLowPairs.highHalf),
      fours(highPairs.lowHalf, otherHighPairs.lowHalf), fours(highPairs.highHalf, otherHighPairs.highHalf)
    )
  }

  @inline(__always)
  private static func pairs(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> SIMD4<UInt32> {
    var result = Words()
    result.evenHalf = a
    result.oddHalf = b
    return unsafeBitCast(result, to: SIMD4<UInt32>.self)
  }

  @inline(__always)
  private static func fours(_ a: SIMD2<UInt32>, _ b: SIMD2<UInt32>) -> SIMD2<UInt64> {
    var result = SIMD4<UInt32>()
    result.evenHalf = a
    result.oddHalf = b
    return unsafeBitCast(result, to: SIMD2<UInt64>.self)
  }

  @inline(__always)
  private static func joined(_ a: UInt64, _ b: UInt64) -> Words { unsafeBitCast(SIMD2(a, b), to: Words.self) }
}
