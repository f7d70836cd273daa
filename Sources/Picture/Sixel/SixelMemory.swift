import CSamples

/// What the terminal shows of a picture: the number and the colour of every pixel; and how long each block of pixels has
/// stood still.
final class SixelMemory {
  /// A block is as wide as a run of the raster and as high as a band of sixels.
  static let blockWidth = PixelRaster.run
  static let bandHeight = 6
  /// Bands that are painted together; their blocks of the same columns are a tile.
  static let groupBands = Int(glyphone_bands)
  /// Columns of all rows of a tile.
  private static let tile = blockWidth * bandHeight

  /// In the picture, the last perhaps not whole.
  private let bands: Int
  let groups: Int
  /// In a band.
  let blocks: Int
  private let stride: Int
  private let height: Int
  private let numberStorage: Storage<UInt8>
  /// Of each tile of each group and row of its bands, their colours.
  private let columns: Storage<glyphone_column>
  /// Of each band and column a bit for each row in which the pixel is to be painted.
  private let painted: Storage<UInt8>
  /// Of each tile of a group: what its blocks need.
  private let needs: Storage<UInt8>
  /// Of each block, frames since it changed, up to ``settled``, where it is as good as in a whole frame.
  private let still: Storage<UInt8>
  /// Tiles whose colours are not known yet, only their numbers.
  private let isUnread: Storage<Bool>

  /// A block is settled when it has stood still for this many frames.
  private static let patience: UInt8 = 15
  private static let settled: UInt8 = .max
  /// So many numbers after the last can be read, too.
  private static let margin = 32

  /// The numbers of the colours that the terminal shows, or will show once what is painted is sent. That of
  /// ``PaletteLookup/none`` is painted whatever it shows; its samples are far from those of any that is displayed.
  var numbers: UnsafeMutablePointer<UInt8> { numberStorage.pointer }

  init(_ raster: PixelRaster) {
    stride = raster.stride
    height = raster.height
    blocks = raster.runs
    bands = (raster.height + Self.bandHeight - 1) / Self.bandHeight
    groups = (bands + Self.groupBands - 1) / Self.groupBands
    numberStorage = Storage(repeating: PaletteLookup.none, count: stride * bands * Self.bandHeight + Self.margin)
    // The tile before the first can be read, too.
    columns = Storage(repeating: glyphone_column(), count: (1 + groups * blocks) * Self.tile)
    painted = Storage(repeating: 0, count: stride * bands)
    needs = Storage(repeating: 0, count: blocks * Self.groupBands)
    still = Storage(repeating: Self.settled, count: blocks * bands)
    isUnread = Storage(repeating: true, count: blocks * groups)
  }

  /// The pixels from a place in a row on, and what they should be.
  func pixels(x: Int, row: Int, of raster: PixelRaster) -> glyphone_pixels {
    let place = row &* stride &+ x
    let chroma = (row &>> 1) &* raster.chromaStride &+ x &>> 1
    return glyphone_pixels(
      luma: raster.y + place, blue: raster.u + chroma, red: raster.v + chroma, numbers: numbers + place,
      stride: stride, chroma_stride: raster.chromaStride)
  }

  /// An image of all pixels of some columns and rows is on its way.
  /// - Parameter colors: by number.
  func show(_ columns: Range<Int>, _ rows: Range<Int>, _ colors: UnsafePointer<glyphone_color>) {
    for row in rows {
      var x = columns.lowerBound
      while x < columns.upperBound {
        let end = min((x / Self.blockWidth + 1) * Self.blockWidth, columns.upperBound)
        show(x..<end, row, colors)
        x = end
      }
    }
  }

  /// Takes the colours of columns of a tile from their numbers.
  @inline(__always)
  private func show(_ columns: Range<Int>, _ row: Int, _ colors: UnsafePointer<glyphone_color>) {
    let numbers = numbers + row * stride
    var place = place(x: columns.lowerBound, row: row)
    for x in columns {
      place.show(colors[Int(numbers[x])])
      place.column += 1
    }
  }

  /// An image of all pixels is on its way.
  func showAll() {
    still.fill(Self.settled)
    isUnread.fill(true)
  }

  /// Forgets the pixels of a number, and tells the runs they are in.
  func forget(_ number: UInt8, _ body: (_ run: Int, _ row: Int) -> Void) {
    for row in 0..<height {
      let numbers = numbers + row * stride
      for x in Swift.stride(from: 0, to: blocks * Self.blockWidth, by: 8) where Self.hasAny(number, numbers + x) {
        for x in x..<x + 8 where numbers[x] == number {
          numbers[x] = PaletteLookup.none
          place(x: x, row: row).show(glyphone_color(luma: .max, chroma: .max))
        }
        body(x / Self.blockWidth, row)
      }
    }
  }

  /// Whether any of eight numbers is a certain one.
  @inline(__always)
  private static func hasAny(_ number: UInt8, _ numbers: UnsafePointer<UInt8>) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let others = UnsafeRawPointer(numbers).loadUnaligned(as: UInt64.self) ^ UInt64(number) &* ones
    // A byte of 0 borrows.
    return (others &- ones) & ~others & (0x80 &* ones) != 0
  }

  /// Where the colour of a pixel is: a band of a column.
  private struct Place {
    var column: UnsafeMutablePointer<glyphone_column>
    let band: Int

    @inline(__always)
    func show(_ color: glyphone_color) {
      UnsafeMutableRawPointer(column).storeBytes(of: color.luma, toByteOffset: 2 &* band, as: UInt16.self)
      UnsafeMutableRawPointer(column).storeBytes(
        of: color.chroma, toByteOffset: 2 &* (groupBands &+ band), as: UInt16.self)
    }
  }

  @inline(__always)
  private func tile(_ block: Int, of group: Int) -> UnsafeMutablePointer<glyphone_column> {
    columns.pointer + (1 + group * blocks + block) * Self.tile
  }

  private func place(x: Int, row: Int) -> Place {
    let band = row / Self.bandHeight
    let tile = tile(x / Self.blockWidth, of: band / Self.groupBands)
    return Place(
      column: tile + row % Self.bandHeight * Self.blockWidth + x % Self.blockWidth, band: band % Self.groupBands)
  }

  /// Bands that are painted together.
  struct Group {
    /// The first band, and how many there are.
    let first: Int
    let bands: Int
    let columns: UnsafeMutablePointer<glyphone_column>
    let painted: UnsafeMutablePointer<UInt8>
    /// Of each block: those of a tile lie side by side.
    let needs: UnsafeMutablePointer<UInt8>
  }

  /// A group of bands with what its blocks need: those rows in which the picture has changed with this frame, or all to
  /// become as good as in a whole frame. Colours of blocks that need anything are read.
  /// - Parameter colors: by number.
  func group(_ number: Int, of raster: PixelRaster, _ colors: UnsafePointer<glyphone_color>) -> Group {
    let first = number * Self.groupBands
    let group = Group(
      first: first, bands: min(Self.groupBands, bands - first), columns: tile(0, of: number),
      painted: painted.pointer + first * stride, needs: needs.pointer)
    group.painted.update(repeating: 0, count: group.bands * stride)
    for block in 0..<blocks {
      let needs = group.needs + block &* Self.groupBands
      var isAny: UInt8 = 0
      for band in 0..<group.bands {
        let top = (first &+ band) &* Self.bandHeight
        let rows = top..<min(top &+ Self.bandHeight, height)
        needs[band] = attention(
          block: block, of: first &+ band, changed: raster.changedRows(run: block, of: rows), rows.count)
        isAny |= needs[band]
      }
      if isAny != 0 { read(block, of: number, colors) }
    }
    return group
  }

  /// What a block needs: a bit for each row, and one where it settles.
  @inline(__always)
  private func attention(block: Int, of band: Int, changed: UInt32, _ rows: Int) -> UInt8 {
    let still = still.pointer + (band &* blocks &+ block)
    let age = still.pointee
    // Without a branch, for none can foresee what noise does.
    let isSettling = age == Self.patience &- 1
    let settling = isSettling ? UInt8(glyphone_is_settling) | (1 &<< UInt8(truncatingIfNeeded: rows)) &- 1 : 0
    let older = isSettling ? Self.settled : age &+ (age == Self.settled ? 0 : 1)
    still.pointee = changed != 0 ? 0 : older
    return changed != 0 ? UInt8(truncatingIfNeeded: changed) : settling
  }

  /// Sees to it that the colours of a tile's pixels are known.
  @inline(__always)
  private func read(_ block: Int, of group: Int, _ colors: UnsafePointer<glyphone_color>) {
    let number = group &* blocks &+ block
    if isUnread.pointer[number] {
      readTile(block, of: group, colors)
      isUnread.pointer[number] = false
    }
  }

  /// Sees to it that the colours of all pixels are known, before numbers come to stand for others.
  func readAll(_ colors: UnsafePointer<glyphone_color>) {
    for group in 0..<groups {
      for block in 0..<blocks { read(block, of: group, colors) }
    }
  }

  @inline(never)
  private func readTile(_ block: Int, of group: Int, _ colors: UnsafePointer<glyphone_color>) {
    let first = group * Self.groupBands * Self.bandHeight
    let rows = first..<min(first + Self.groupBands * Self.bandHeight, bands * Self.bandHeight)
    let x = block * Self.blockWidth
    for row in rows { show(x..<x + Self.blockWidth, row, colors) }
  }

  /// The pixels from a place in the top row of a band on.
  /// - Parameter isWhole: whether all of them are to be painted, in any row.
  func sixels(x: Int, row: Int, isWhole: Bool) -> SixelEncoder.Pixels {
    SixelEncoder.Pixels(
      numbers: numbers + row * stride + x,
      painted: isWhole ? nil : painted.pointer + row / Self.bandHeight * stride + x, stride: stride)
  }
}
