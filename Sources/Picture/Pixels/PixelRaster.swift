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
  /// One flag for each run of 16 pixels of each row: whether any of them changed with the last frame.
  private let changes: Storage<Bool>
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
    changes = Storage(repeating: true, count: runs * rows)
  }

  /// Whether anything changed with the last frame.
  private(set) var isChanged = true

  func clearChanges() {
    changes.fill(false)
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

  func hasChanged(run: Int, row: Int) -> Bool {
    changes.pointer[row * runs + run]
  }

  /// Whether anything changed in a run of some rows.
  @inline(__always)
  func hasChanged(run: Int, rows: Range<Int>) -> Bool {
    var result = false
    for row in rows where changes.pointer[row &* runs &+ run] { result = true }
    return result
  }

  /// Notes that a run of a row is to be looked at again.
  func touch(run: Int, row: Int) {
    changes.pointer[row * runs + run] = true
  }

  /// Takes a row of luma.
  /// - Parameter x: where it begins, and `count` its length.
  func take(luma: UnsafePointer<UInt8>, row: Int, x: Int, count: Int) {
    follow(luma, y + row * stride + x, count, noise.luma) { offset in
      changes.pointer[row * runs + (x + offset) / Self.run] = true
      isChanged = true
    }
  }

  /// Takes a row of U and one of V, counted in chroma samples.
  func take(u blue: UnsafePointer<UInt8>, v red: UnsafePointer<UInt8>, row: Int, x: Int, count: Int) {
    func flag(_ offset: Int) {
      let run = (x + offset) * 2 / Self.run
      changes.pointer[2 * row * runs + run] = true
      changes.pointer[(2 * row + 1) * runs + run] = true
      isChanged = true
    }
    follow(blue, u + row * chromaStride + x, count, noise.chroma, flag)
    follow(red, v + row * chromaStride + x, count, noise.chroma, flag)
  }

  /// Copies eight samples at a time where any of them differs by more than `noise`; tells where that is.
  @inline(__always)
  private func follow(
    _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ count: Int, _ noise: UInt8,
    _ changed: (Int) -> Void
  ) {
    let limit = SIMD8<Int16>(repeating: Int16(noise))
    var x = 0
    while x + 8 <= count {
      let new = UnsafeRawPointer(source + x).loadUnaligned(as: SIMD8<UInt8>.self)
      let old = UnsafeRawPointer(target + x).loadUnaligned(as: SIMD8<UInt8>.self)
      let difference = SIMD8<Int16>(truncatingIfNeeded: new) &- SIMD8<Int16>(truncatingIfNeeded: old)
      // Negative where the difference is beyond the limit, either way. (The library's masks are made lane by lane.)
      let beyond = unsafeBitCast((limit &- difference) | (limit &+ difference), to: SIMD2<UInt64>.self)
      if (beyond[0] | beyond[1]) & 0x8000_8000_8000_8000 != 0 {
        UnsafeMutableRawPointer(target + x).storeBytes(of: new, as: SIMD8<UInt8>.self)
        // Eight samples may lie across two runs.
        changed(x)
        changed(x + 7)
      }
      x += 8
    }
    while x < count {
      if abs(Int(source[x]) - Int(target[x])) > Int(noise) {
        target[x] = source[x]
        changed(x)
      }
      x += 1
    }
  }
}
