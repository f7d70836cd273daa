/// What the terminal shows of a picture: the number and the colour of every pixel; and how long each block of pixels has
/// stood still.
final class SixelMemory {
  /// A block is as wide as a run of the raster and as high as a band of sixels.
  static let blockWidth = PixelRaster.run
  static let bandHeight = 6

  /// In the picture.
  let bands: Int
  /// In a band.
  let blocks: Int
  private let stride: Int
  private let height: Int
  private let shown: Storage<UInt8>
  private let next: Storage<UInt8>
  private let y: Storage<UInt8>
  private let u: Storage<UInt8>
  private let v: Storage<UInt8>
  /// Of each block, frames since it changed, up to ``settled``, where it is as good as in a whole frame.
  private let still: Storage<UInt8>
  /// Blocks whose colours are not known yet, only their numbers.
  private let isUnread: Storage<Bool>

  /// A block is settled when it has stood still for this many frames.
  private static let patience: UInt8 = 15
  private static let settled: UInt8 = .max
  /// A sample of the colour of pixels of which nothing is known. No colour that is displayed is near it.
  private static let unknown: UInt8 = 255

  /// The memory of a row's pixels from a place on.
  struct Pixels {
    /// The number that the terminal shows; ``PaletteLookup/none`` for a pixel that is to be painted whatever it shows.
    fileprivate(set) var shown: UnsafeMutablePointer<UInt8>
    /// The number that it will show; the pixels where it is another are painted.
    fileprivate(set) var next: UnsafeMutablePointer<UInt8>
    /// The colour, once it is read.
    fileprivate(set) var y: UnsafeMutablePointer<UInt8>
    fileprivate(set) var u: UnsafeMutablePointer<UInt8>
    fileprivate(set) var v: UnsafeMutablePointer<UInt8>

    /// Whether a pixel is going to be painted.
    @inline(__always)
    func isPainted(_ x: Int) -> Bool { next[x] != shown[x] }

    /// Has a pixel painted.
    @inline(__always)
    func paint(_ x: Int, _ number: UInt8, _ color: PaletteLookup.Entry) {
      next[x] = number
      // The same number, but the colour it has now.
      if shown[x] == number { shown[x] = PaletteLookup.none }
      see(x, color)
    }

    @inline(__always)
    mutating func advance(by count: Int) {
      shown += count
      next += count
      y += count
      u += count
      v += count
    }

    @inline(__always)
    func see(_ x: Int, _ color: PaletteLookup.Entry) {
      y[x] = UInt8(truncatingIfNeeded: color.y)
      u[x] = UInt8(truncatingIfNeeded: color.u)
      v[x] = UInt8(truncatingIfNeeded: color.v)
    }
  }

  init(_ raster: PixelRaster) {
    stride = raster.stride
    height = raster.height
    blocks = raster.runs
    bands = raster.height / Self.bandHeight
    let count = raster.stride * raster.height
    shown = Storage(repeating: PaletteLookup.none, count: count)
    next = Storage(repeating: 0, count: count)
    y = Storage(repeating: Self.unknown, count: count)
    u = Storage(repeating: Self.unknown, count: count)
    v = Storage(repeating: Self.unknown, count: count)
    still = Storage(repeating: Self.settled, count: blocks * bands)
    isUnread = Storage(repeating: true, count: blocks * bands)
  }

  @inline(__always)
  func pixels(at place: Int) -> Pixels {
    Pixels(
      shown: shown.pointer + place, next: next.pointer + place, y: y.pointer + place, u: u.pointer + place,
      v: v.pointer + place)
  }

  /// Nothing is known of the terminal; the next frame is painted whole.
  func forget() {
    shown.fill(PaletteLookup.none)
    still.fill(Self.settled)
    isUnread.fill(true)
  }

  /// The image of some columns and rows is on its way.
  /// - Parameter isWhole: whether all pixels were painted, not only those with other numbers.
  func show(x: Int, top: Int, width: Int, height: Int, isWhole: Bool) {
    for row in top..<top + height {
      let place = row * stride + x
      (shown.pointer + place).update(from: next.pointer + place, count: width)
    }
    guard isWhole else { return }
    for band in top / Self.bandHeight...(top + height - 1) / Self.bandHeight {
      for block in x / Self.blockWidth...(x + width - 1) / Self.blockWidth {
        isUnread.pointer[band * blocks + block] = true
      }
    }
  }

  /// Forgets the pixels of some numbers, and tells the runs they are in.
  func forget(_ isStale: UnsafePointer<Bool>, _ body: (_ run: Int, _ row: Int) -> Void) {
    for row in 0..<height {
      let pixels = pixels(at: row * stride)
      for x in 0..<blocks * Self.blockWidth where isStale[Int(pixels.shown[x])] {
        pixels.shown[x] = PaletteLookup.none
        pixels.y[x] = Self.unknown
        pixels.u[x] = Self.unknown
        pixels.v[x] = Self.unknown
        body(x / Self.blockWidth, row)
      }
    }
  }

  /// What a block needs.
  enum Attention {
    case none
    /// What is worth its bytes.
    case change
    /// To become as good as in a whole frame.
    case settling
  }

  /// What a block needs of which the picture has changed with this frame, or has not.
  @inline(__always)
  func attention(band: Int, block: Int, hasChanged: Bool) -> Attention {
    let age = still.pointer + (band * blocks + block)
    if hasChanged {
      age.pointee = 0
      return .change
    }
    if age.pointee == Self.settled { return .none }
    age.pointee += 1
    if age.pointee < Self.patience { return .none }
    age.pointee = Self.settled
    return .settling
  }

  /// Sees to it that the colours of a block's pixels are known.
  @inline(__always)
  func read(band: Int, block: Int, _ entries: UnsafePointer<PaletteLookup.Entry>) {
    let number = band * blocks + block
    if isUnread.pointer[number] {
      readBlock(band: band, block: block, entries)
      isUnread.pointer[number] = false
    }
  }

  @inline(never)
  private func readBlock(band: Int, block: Int, _ entries: UnsafePointer<PaletteLookup.Entry>) {
    for row in band * Self.bandHeight..<(band + 1) * Self.bandHeight {
      let pixels = pixels(at: row * stride + block * Self.blockWidth)
      for x in 0..<Self.blockWidth where pixels.shown[x] != PaletteLookup.none {
        pixels.see(x, entries[Int(pixels.shown[x])])
      }
    }
  }
}
