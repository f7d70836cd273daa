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

  @inline(__always)
  private static func pairs(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> SIMD4<UInt32> {
    var result = SIMD8<UInt16>()
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
}
