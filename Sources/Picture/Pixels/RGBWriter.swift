/// Turns parts of a raster into red, green and blue, a byte each.
enum RGBWriter {
  /// Writes a row of pixels, three bytes each.
  static func write(
    _ raster: PixelRaster, row: Int, columns: Range<Int>, into output: UnsafeMutablePointer<UInt8>
  ) {
    let luma = raster.y + row * raster.stride
    let blue = raster.u + (row / 2) * raster.chromaStride
    let red = raster.v + (row / 2) * raster.chromaStride
    var target = output
    var x = columns.lowerBound
    while x < columns.upperBound {
      // BT.601 limited range in units of 1/65536.
      let u = Int32(blue[x &>> 1]) &- 128
      let v = Int32(red[x &>> 1]) &- 128
      let (forRed, forGreen, forBlue) = (104_597 &* v, -25_675 &* u &- 53_279 &* v, 132_201 &* u)
      let end = min((x | 1) &+ 1, columns.upperBound)
      while x < end {
        let y = (Int32(luma[x]) &- 16) &* 76_309 &+ 32_768
        target[0] = byte(y &+ forRed)
        target[1] = byte(y &+ forGreen)
        target[2] = byte(y &+ forBlue)
        target += 3
        x &+= 1
      }
    }
  }

  @inline(__always)
  private static func byte(_ value: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(value &>> 16, 0), 255))
  }
}
