/// What the library's vectors lack, or compile to more than the one instruction it is. Each loop does only one thing, so
/// that the compiler sees which.
extension SIMD16<UInt8> {
  @inline(__always)
  init(loading bytes: UnsafePointer<UInt8>) {
    self = UnsafeRawPointer(bytes).loadUnaligned(as: Self.self)
  }

  /// As two words, the first byte lowest in the first.
  @inline(__always)
  var words: (UInt64, UInt64) {
    let words = unsafeBitCast(self, to: SIMD2<UInt64>.self)
    return (words[0], words[1])
  }

  /// The difference of each two, without sign.
  @inline(__always)
  func distance(to other: Self) -> Self {
    var result = Self()
    for lane in 0..<16 { result[lane] = Swift.max(self[lane], other[lane]) &- Swift.min(self[lane], other[lane]) }
    return result
  }

  @inline(__always)
  func capped(at most: UInt8) -> Self {
    var result = Self()
    for lane in 0..<16 { result[lane] = Swift.min(self[lane], most) }
    return result
  }
}

extension SIMD8<Int16> {
  @inline(__always)
  func smaller(_ other: Self) -> Self {
    var result = Self()
    for lane in 0..<8 { result[lane] = Swift.min(self[lane], other[lane]) }
    return result
  }

  @inline(__always)
  func larger(_ other: Self) -> Self {
    var result = Self()
    for lane in 0..<8 { result[lane] = Swift.max(self[lane], other[lane]) }
    return result
  }

  @inline(__always)
  var isAnyNegative: Bool {
    let words = unsafeBitCast(self, to: SIMD2<UInt64>.self)
    return (words[0] | words[1]) & 0x8000_8000_8000_8000 != 0
  }
}
