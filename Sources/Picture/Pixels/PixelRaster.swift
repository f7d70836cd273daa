import CSamples
import Frames

/// The pixels of a picture in I420: samples follow the camera only where one has moved by more than the noise, so still
/// parts stay still.
final class PixelRaster {
  let width: Int
  let height: Int
  let stride: Int
  let chromaStride: Int
  private let yStorage: Storage<UInt8>
  private let uStorage: Storage<UInt8>
  private let vStorage: Storage<UInt8>
  /// One flag for each run of 16 pixels of each row: whether any of them changed with the last frame. Those of a run lie
  /// side by side.
  private let changes: Storage<UInt8>
  private let flagStride: Int
  var y: UnsafeMutablePointer<UInt8> { yStorage.pointer }
  var u: UnsafeMutablePointer<UInt8> { uStorage.pointer }
  var v: UnsafeMutablePointer<UInt8> { vStorage.pointer }

  /// Pixels that share a flag.
  static let run = 16
  /// Runs in a row.
  let runs: Int

  /// How far samples may stray before they are followed.
  var noise: (luma: UInt8, chroma: UInt8)

  init(width: Int, height: Int, noise: (luma: UInt8, chroma: UInt8)) {
    self.noise = noise
    self.width = width
    self.height = height
    stride = (width + 63) & ~63
    chromaStride = stride / 2
    runs = (width + Self.run - 1) / Self.run
    // Rows are written eight at a time.
    let rows = (height + 15) & ~7
    yStorage = Storage(repeating: 16, count: stride * rows)
    uStorage = Storage(repeating: 128, count: chromaStride * rows)
    vStorage = Storage(repeating: 128, count: chromaStride * rows)
    flagStride = rows
    changes = Storage(repeating: 1, count: runs * rows)
  }

  /// Whether anything changed with the last frame.
  private(set) var isChanged = true

  func clearChanges() {
    changes.fill(0)
    isChanged = false
  }

  /// Makes everything black.
  func blank() {
    yStorage.fill(16)
    uStorage.fill(128)
    vStorage.fill(128)
  }

  func color(x: Int, y row: Int) -> Color {
    let chroma = (row / 2) * chromaStride + x / 2
    return Color(y: y[row * stride + x], u: u[chroma], v: v[chroma])
  }

  @inline(__always)
  func hasChanged(run: Int, row: Int) -> Bool {
    changes.pointer[run &* flagStride &+ row] != 0
  }

  /// In which of up to 8 rows anything changed in a run: a bit for each, the first lowest.
  @inline(__always)
  func changedRows(run: Int, of rows: Range<Int>) -> UInt32 {
    let first = changes.pointer + (run &* flagStride &+ rows.lowerBound)
    // Eight flags of a byte each become the bits of the highest byte.
    let flags = UnsafeRawPointer(first).loadUnaligned(as: UInt64.self) &* 0x0102_0408_1020_4080
    let bits = UInt32(truncatingIfNeeded: flags &>> 56)
    return bits & ((1 &<< UInt32(truncatingIfNeeded: rows.count)) &- 1)
  }

  /// Notes that a run of a row is to be looked at again.
  func touch(run: Int, row: Int) {
    changes.pointer[run * flagStride + row] = 1
  }

  /// Takes a row of luma.
  /// - Parameter x: where it begins, and `count` its length.
  func take(luma: UnsafePointer<UInt8>, row: Int, x: Int, count: Int) {
    let isFollowed = glyphone_samples_follow_luma(
      luma, y + row * stride, x, count, noise.luma, changes.pointer + row, flagStride)
    if isFollowed != 0 { isChanged = true }
  }

  /// Takes a row of U and one of V, counted in chroma samples.
  func take(u blue: UnsafePointer<UInt8>, v red: UnsafePointer<UInt8>, row: Int, x: Int, count: Int) {
    let flags = changes.pointer + 2 * row
    func follow(_ source: UnsafePointer<UInt8>, _ plane: UnsafeMutablePointer<UInt8>) {
      let isFollowed = glyphone_samples_follow_chroma(
        source, plane + row * chromaStride, x, count, noise.chroma, flags, flagStride)
      if isFollowed != 0 { isChanged = true }
    }
    follow(blue, u)
    follow(red, v)
  }
}
