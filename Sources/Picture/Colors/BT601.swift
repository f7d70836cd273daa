/// From luma and chroma as the codec carries them (BT.601, limited range) to red, green and blue, in units of 1/65536.
enum BT601 {
  /// What luma adds to each of the three, with a half for rounding.
  @inline(__always)
  static func luma(_ y: UInt8) -> Int32 { (Int32(y) &- 16) &* 76_309 &+ 32_768 }

  /// What chroma adds to them.
  @inline(__always)
  static func chroma(u: UInt8, v: UInt8) -> (red: Int32, green: Int32, blue: Int32) {
    let (blue, red) = (Int32(u) &- 128, Int32(v) &- 128)
    return (104_597 &* red, -25_675 &* blue &- 53_279 &* red, 132_201 &* blue)
  }
}
