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
      let chroma = BT601.chroma(u: blue[x &>> 1], v: red[x &>> 1])
      let end = min((x | 1) &+ 1, columns.upperBound)
      while x < end {
        let y = BT601.luma(luma[x])
        target[0] = byte(y &+ chroma.red)
        target[1] = byte(y &+ chroma.green)
        target[2] = byte(y &+ chroma.blue)
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
