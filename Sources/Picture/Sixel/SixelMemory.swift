import CSamples

/// What the terminal shows of a picture: the number and the colour of every pixel; and how long each block of pixels has
/// stood still.
final class SixelMemory {
  /// A block is as wide as a run of the raster and as high as a band of sixels.
  static let blockWidth = PixelRaster.run
  static let bandHeight = 6

  /// The pixels before the first can be read, too.
  private static let margin = 16

  /// In the picture, the last perhaps not whole.
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
    let shown: UnsafeMutablePointer<UInt8>
    /// The number that it will show; the pixels where it is another are painted.
    let next: UnsafeMutablePointer<UInt8>
    /// The colour, once it is read.
    let y: UnsafeMutablePointer<UInt8>
    let u: UnsafeMutablePointer<UInt8>
    let v: UnsafeMutablePointer<UInt8>

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
    bands = (raster.height + Self.bandHeight - 1) / Self.bandHeight
    let count = Self.margin + raster.stride * bands * Self.bandHeight
    shown = Storage(repeating: 0, count: count)
    next = Storage(repeating: 0, count: count)
    y = Storage(repeating: Self.unknown, count: count)
    u = Storage(repeating: Self.unknown, count: count)
    v = Storage(repeating: Self.unknown, count: count)
    still = Storage(repeating: Self.settled, count: blocks * bands)
    isUnread = Storage(repeating: true, count: blocks * bands)
    forget()
  }

  /// The pixels from a place in a row on, and what they should be.
  @inline(__always)
  func pixels(x: Int, row: Int, of raster: PixelRaster) -> glyphone_pixels {
    let place = row &* raster.stride &+ x
    let chroma = (row &>> 1) &* raster.chromaStride &+ x &>> 1
    let pixels = pixels(at: place)
    return glyphone_pixels(
      luma: raster.y + place, blue: raster.u + chroma, red: raster.v + chroma, shown: pixels.shown, next: pixels.next,
      y: pixels.y, u: pixels.u, v: pixels.v, stride: raster.stride, chroma_stride: raster.chromaStride)
  }

  @inline(__always)
  func pixels(at place: Int) -> Pixels {
    let place = Self.margin &+ place
    return Pixels(
      shown: shown.pointer + place, next: next.pointer + place, y: y.pointer + place, u: u.pointer + place,
      v: v.pointer + place)
  }

  /// Nothing is known of the terminal; the next frame is painted whole.
  func forget() {
    // Below the picture nothing is ever painted.
    pixels(at: 0).shown.update(repeating: PaletteLookup.none, count: stride * height)
    still.fill(Self.settled)
    isUnread.fill(true)
  }

  /// An image of all pixels of some columns and rows is on its way.
  func show(x: Int, top: Int, width: Int, height: Int) {
    for row in top..<top + height {
      let pixels = pixels(at: row * stride + x)
      pixels.shown.update(from: pixels.next, count: width)
    }
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

  /// Sees to it that the colours of all pixels are known, before numbers come to stand for others.
  func readAll(_ entries: UnsafePointer<PaletteLookup.Entry>) {
    for band in 0..<bands {
      for block in 0..<blocks { read(band: band, block: block, entries) }
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
