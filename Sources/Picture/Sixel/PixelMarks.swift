import CSamples

/// Sixteen pixels of a row at a time: the colours they are to have, and which of them are too far from what the screen
/// shows.
final class PixelMarks {
  static let count = 16
  private let marks = Storage(repeating: glyphone_marks(), count: 1)

  /// The colours that the screen should show.
  var luma: UnsafePointer<UInt8> { UnsafeRawPointer(marks.pointer).assumingMemoryBound(to: UInt8.self) }
  var blue: UnsafePointer<UInt8> { luma + Self.count }
  var red: UnsafePointer<UInt8> { luma + 2 * Self.count }

  /// A distance of so much or more is perhaps one of more.
  static var largest: Int32 { Int32(glyphone_mark_largest) }

  /// The distance of a pixel from what the screen shows, in the measure of ``PaletteLookup/Entry/distance(y:u:v:)``, or
  /// ``largest`` and more for a larger one.
  @inline(__always)
  func distance(_ x: Int) -> Int32 {
    Int32(UnsafeRawPointer(luma + 3 * Self.count).assumingMemoryBound(to: Int16.self)[x])
  }

  /// Looks at the first sixteen pixels of a row.
  /// - Returns: a bit for each pixel, the first lowest: whether its distance is more than a limit. If there is one, the
  ///   colours and distances of all sixteen are known after that: colours that the screen can show, nearly
  ///   ``Color/displayed``.
  @inline(__always)
  func mark(_ row: SixelPainter.Row, beyond limit: Int32) -> UInt32 {
    let shown = row.memory
    return glyphone_samples_mark(
      row.luma, row.blue, row.red, shown.y, shown.u, shown.v, min(limit, Self.largest - 1), marks.pointer)
  }
}
