import CZlib

/// Makes PNG images (ISO/IEC 15948) of parts of a raster: 8-bit RGB, one zlib stream. Allocates nothing once it
/// has made its largest image.
final class PNGEncoder {
  private let deflater: PixelDeflater
  private var output = Storage<UInt8>(repeating: 0, count: 0)

  /// Everything but the compressed pixels: signature, IHDR, IEND, and around IDAT.
  private static let overhead = 8 + 25 + 12 + 12

  /// - Parameter width: of the widest image.
  init(width: Int) {
    deflater = PixelDeflater(width: width, isFiltered: true)
  }

  /// An image of a part of the raster. Valid until the next call.
  func encode(_ raster: PixelRaster, rows: Range<Int>, columns: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    let bound = deflater.bound(rows: rows.count, columns: columns.count)
    if output.count < Self.overhead + bound { output = Storage(repeating: 0, count: Self.overhead + bound) }
    let image = output.pointer
    image.update(from: Self.signature, count: Self.signature.count)
    var at = Self.signature.count
    at = chunk(Self.header, at: at) { data in
      Self.store(UInt32(columns.count), at: data)
      Self.store(UInt32(rows.count), at: data + 4)
      // 8 bits, truecolour, deflate, adaptive filters, not interlaced.
      Self.store(0x0802_0000, at: data + 8)
      data[12] = 0
      return 13
    }
    at = chunk(Self.pixels, at: at) { data in
      deflater.compress(raster, rows: rows, columns: columns, into: data, limit: bound)
    }
    at = chunk(Self.end, at: at) { _ in 0 }
    return UnsafeBufferPointer(start: image, count: at)
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  private static let header = UInt32(0x4948_4452)
  private static let pixels = UInt32(0x4944_4154)
  private static let end = UInt32(0x4945_4E44)

  /// Writes a chunk whose data `body` writes and gives the length of; returns where the next one begins.
  private func chunk(_ name: UInt32, at start: Int, body: (UnsafeMutablePointer<UInt8>) -> Int) -> Int {
    let base = output.pointer + start
    Self.store(name, at: base + 4)
    let length = body(base + 8)
    Self.store(UInt32(length), at: base)
    Self.store(UInt32(truncatingIfNeeded: crc32(0, base + 4, UInt32(length + 4))), at: base + 8 + length)
    return start + 12 + length
  }

  private static func store(_ value: UInt32, at target: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(of: value.bigEndian, as: UInt32.self)
  }
}
