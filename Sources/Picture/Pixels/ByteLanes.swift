/// What the library's vectors lack, or compile to more than the one instruction it is. Each loop does only one thing, so
/// that the compiler sees which.
extension SIMD16<UInt8> {
  @inline(__always)
  init(loading bytes: UnsafePointer<UInt8>) {
    self = UnsafeRawPointer(bytes).loadUnaligned(as: Self.self)
  }

  /// Each of eight bytes twice.
  @inline(__always)
  init(doubling bytes: UnsafePointer<UInt8>) {
    self = unsafeBitCast(SIMD8<Int16>(widening: bytes) &* 0x0101, to: Self.self)
  }

  /// The bytes in even and in odd places.
  @inline(__always)
  init(even: SIMD8<Int16>, odd: SIMD8<Int16>) {
    self = unsafeBitCast(even | odd &<< 8, to: Self.self)
  }

  @inline(__always)
  var even: SIMD8<Int16> { unsafeBitCast(unsafeBitCast(self, to: SIMD8<UInt16>.self) & 0xFF, to: SIMD8<Int16>.self) }

  @inline(__always)
  var odd: SIMD8<Int16> { unsafeBitCast(unsafeBitCast(self, to: SIMD8<UInt16>.self) &>> 8, to: SIMD8<Int16>.self) }

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
  /// Eight bytes, each in a lane.
  @inline(__always)
  init(widening bytes: UnsafePointer<UInt8>) {
    self.init()
    for lane in 0..<8 { self[lane] = Int16(bytes[lane]) }
  }

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
