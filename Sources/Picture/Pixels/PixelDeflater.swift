import CZlib

/// Compresses the pixels of parts of a raster (RFC 1950), a byte each of red, green and blue. Allocates nothing once it
/// is made.
final class PixelDeflater {
  private var stream = z_stream()
  private let isReady: Bool
  /// Two rows of pixels in turn, and the differences between them.
  private let rows: Storage<UInt8>
  private let filtered: Storage<UInt8>

  private static let level: Int32 = 1
  private static let bytesPerPixel = 3

  /// - Parameters:
  ///   - width: of the widest part.
  ///   - isFiltered: whether rows are told as PNG tells them (ISO/IEC 15948, 9.2): a byte for the kind of filter, then
  ///     differences to the row above.
  init(width: Int, isFiltered: Bool) {
    isReady = deflate_begin(&stream, Self.level, isFiltered ? Z_FILTERED : Z_DEFAULT_STRATEGY) == Z_OK
    rows = Storage(repeating: 0, count: 2 * width * Self.bytesPerPixel)
    filtered = Storage(repeating: 0, count: isFiltered ? width * Self.bytesPerPixel + 1 : 0)
  }

  deinit {
    if isReady { deflateEnd(&stream) }
  }

  /// The most bytes a part can become.
  func bound(rows: Int, columns: Int) -> Int {
    Int(deflateBound(&stream, UInt(rows * (columns * Self.bytesPerPixel + 1))))
  }

  /// Compresses a part; returns how many bytes it became, 0 when zlib had no memory.
  /// - Parameter data: room for ``bound(rows:columns:)`` bytes.
  func compress(
    _ raster: PixelRaster, rows: Range<Int>, columns: Range<Int>, into data: UnsafeMutablePointer<UInt8>, limit: Int
  ) -> Int {
    guard isReady, deflateReset(&stream) == Z_OK else { return 0 }
    stream.next_out = data
    stream.avail_out = UInt32(limit)
    let rowBytes = columns.count * Self.bytesPerPixel
    let pitch = self.rows.count / 2
    for row in rows {
      let current = self.rows.pointer + (row & 1) * pitch
      RGBWriter.write(raster, row: row, columns: columns, into: current)
      if filtered.count > 0 {
        filter(current, above: row > rows.lowerBound ? self.rows.pointer + (~row & 1) * pitch : nil, count: rowBytes)
        stream.next_in = filtered.pointer
        stream.avail_in = UInt32(rowBytes + 1)
      } else {
        stream.next_in = current
        stream.avail_in = UInt32(rowBytes)
      }
      deflate(&stream, row == rows.upperBound - 1 ? Z_FINISH : Z_NO_FLUSH)
    }
    return limit - Int(stream.avail_out)
  }

  /// Filter "up" (2), or "sub" (1) for the first row: differences to the pixel above or to the left.
  private func filter(_ row: UnsafePointer<UInt8>, above: UnsafePointer<UInt8>?, count: Int) {
    let target = filtered.pointer + 1
    guard let above else {
      filtered.pointer[0] = 1
      for index in 0..<count {
        target[index] = row[index] &- (index < Self.bytesPerPixel ? 0 : row[index - Self.bytesPerPixel])
      }
      return
    }
    filtered.pointer[0] = 2
    for index in 0..<count { target[index] = row[index] &- above[index] }
  }
}
