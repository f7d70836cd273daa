import Frames

/// Draws pictures with sixels: a palette for each scene, pixels that ignore noise, and images of only those rows of cells
/// that changed.
final class SixelRenderer: PixelCanvas {
  let layout: PictureLayout
  private let support: SixelSupport
  private let raster: PixelRaster
  private let encoder: SixelEncoder
  private let indices: Storage<UInt8>
  private let shown: Storage<UInt8>
  private let colors = ColorIndex(lumaWeight: 4)
  private let builder = PaletteBuilder()
  private var palette = UnsafeBufferPointer<Color>(start: nil, count: 0)
  private var remoteSampler: PixelSampler?
  private var selfSampler: PixelSampler?
  private var isWhole = true
  private var hadRemote = false
  private var hadSelfView = false
  /// Mean error of the palette when it was made, and frames since.
  private var freshError = 0
  private var paletteAge = 0
  /// First and last changed column of pixels in each row of cells; first beyond last when there is none.
  private let changes: Storage<(first: Int, last: Int)>

  /// Frames for which a palette is kept unless the scene changes.
  private static let paletteLife = 15
  /// Most images a frame is made of; terminals draw few large ones faster than many small ones.
  private static let mostImages = 4
  private static let bandHeight = 6

  init(layout: PictureLayout, support: SixelSupport) {
    self.layout = layout
    self.support = support
    let width = layout.picture.columns * layout.cellPixels.width
    // Terminals may paint or scroll by whole bands, so an image ends with a whole one inside its cells.
    let height = layout.picture.rows * layout.cellPixels.height / Self.bandHeight * Self.bandHeight
    raster = PixelRaster(width: width, height: height)
    encoder = SixelEncoder(width: width)
    indices = Storage(repeating: 0, count: raster.stride * raster.height)
    shown = Storage(repeating: 0, count: raster.stride * raster.height)
    changes = Storage(repeating: (first: 0, last: -1), count: layout.picture.rows)
  }

  func invalidate() {
    isWhole = true
  }

  /// Writes what changed; returns how many cells lie under the images.
  func render(remote: VideoFrame?, selfView: VideoFrame?, into writer: TerminalWriter) -> Int {
    guard raster.height > 0 else { return 0 }
    sample(remote: remote, selfView: selfView)
    choosePalette()
    index()
    defer { isWhole = false }
    if isWhole {
      image(rows: 0..<layout.picture.rows, columns: 0..<raster.width, into: writer)
      return layout.picture.columns * layout.picture.rows
    }
    return writeChanges(into: writer)
  }

  /// Where the self view is, in pixels.
  private var hole: PixelHole? {
    layout.selfView.map {
      // Chroma samples lie on even pixels.
      PixelHole(
        x: (($0.column - layout.picture.column) * layout.cellPixels.width) & ~1,
        y: (($0.row - layout.picture.row) * layout.cellPixels.height) & ~1, height: raster.height)
    }
  }

  private func sample(remote: VideoFrame?, selfView: VideoFrame?) {
    raster.clearChanges()
    if (remote != nil) != hadRemote || (selfView != nil) != hadSelfView { isWhole = true }
    hadRemote = remote != nil
    hadSelfView = selfView != nil
    let inset = selfView == nil ? nil : hole
    if let remote {
      let sampler = Self.sampler(&remoteSampler, for: remote, raster.width, raster.height, mirrored: false)
      sampler.sample(remote, into: raster, x: 0, y: 0, sparing: inset)
    } else if isWhole {
      raster.blank()
    }
    if let selfView, let inset, inset.x < raster.width, inset.y < raster.height {
      let sampler = Self.sampler(
        &selfSampler, for: selfView, raster.width - inset.x, raster.height - inset.y, mirrored: layout.mirrorsSelfView)
      sampler.sample(selfView, into: raster, x: inset.x, y: inset.y, sparing: nil)
    }
  }

  private static func sampler(
    _ sampler: inout PixelSampler?, for frame: VideoFrame, _ width: Int, _ height: Int, mirrored: Bool
  ) -> PixelSampler {
    if let sampler, sampler.fits(frame, width: width, height: height) { return sampler }
    let made = PixelSampler(
      size: VideoSize(width: frame.width, height: frame.height), width: width, height: height, mirrored: mirrored)
    sampler = made
    return made
  }

  /// Makes a new palette when the old one no longer suits the picture.
  private func choosePalette() {
    paletteAge += 1
    if palette.count > 0 {
      // Another scene needs another palette at once; one that has changed bit by bit can wait.
      let tolerated =
        paletteAge > Self.paletteLife
        ? freshError * 3 / 2 + 2 * Self.errorScale : freshError * 4 + 10 * Self.errorScale
      guard error() > tolerated else { return }
    }
    palette = builder.build(raster, count: support.registers, index: colors)
    freshError = error()
    paletteAge = 0
    isWhole = true
  }

  private static let errorScale = 4

  /// The mean squared error of the palette, times ``errorScale``, from a sparse grid of pixels.
  private func error() -> Int {
    var sum = 0
    var count = 0
    for y in stride(from: 0, to: raster.height, by: 11) {
      for x in stride(from: y & 7, to: raster.width, by: 13) {
        let color = raster.color(x: x, y: y)
        let nearest = palette[Int(colors.nearest(color))]
        sum += color.distance(to: nearest)
        count += 1
      }
    }
    return sum * Self.errorScale / max(count, 1)
  }

  /// Looks up the colours of the pixels that changed, and notes where that made a difference.
  private func index() {
    for row in 0..<layout.picture.rows { changes.pointer[row] = (first: .max, last: -1) }
    for y in 0..<raster.height {
      let indices = indices.pointer + y * raster.stride
      let shown = shown.pointer + y * raster.stride
      let luma = raster.y + y * raster.stride
      let blue = raster.u + (y / 2) * raster.chromaStride
      let red = raster.v + (y / 2) * raster.chromaStride
      let cellRow = changes.pointer + y / layout.cellPixels.height
      for run in 0..<raster.runs where isWhole || raster.hasChanged(run: run, row: y) {
        let start = run * PixelRaster.run
        let end = min(start + PixelRaster.run, raster.width)
        var x = start
        var differs = false
        while x < end {
          // Two pixels share their chroma; the second may lie beyond the edge, where there is room for it.
          let (u, v) = (blue[x &>> 1], red[x &>> 1])
          indices[x] = colors.nearest(y: luma[x], u: u, v: v)
          indices[x &+ 1] = colors.nearest(y: luma[x &+ 1], u: u, v: v)
          differs = differs || indices[x] != shown[x] || indices[x &+ 1] != shown[x &+ 1]
          x &+= 2
        }
        guard differs else { continue }
        cellRow.pointee = (first: min(cellRow.pointee.first, start), last: max(cellRow.pointee.last, end - 1))
      }
    }
  }

  /// One image for each group of rows of cells that changed.
  private func writeChanges(into writer: TerminalWriter) -> Int {
    var cells = 0
    var images = 0
    var row = 0
    let rows = layout.picture.rows
    while row < rows {
      guard changes.pointer[row].last >= 0 else {
        row += 1
        continue
      }
      var end = row + 1
      var columns = changes.pointer[row]
      // The last image takes all that is left; the others end where two rows stand still.
      var next = row + 1
      while next < rows, images == Self.mostImages - 1 || next - end < 2 {
        if changes.pointer[next].last >= 0 {
          columns = (
            first: min(columns.first, changes.pointer[next].first), last: max(columns.last, changes.pointer[next].last)
          )
          end = next + 1
        }
        next += 1
      }
      // Images begin at cells.
      let first = columns.first / layout.cellPixels.width * layout.cellPixels.width
      image(rows: row..<end, columns: first..<columns.last + 1, into: writer)
      cells += (end - row) * ((columns.last - first) / layout.cellPixels.width + 1)
      images += 1
      row = end
    }
    return cells
  }

  /// Writes one image; rows are of cells, columns of pixels.
  private func image(rows: Range<Int>, columns: Range<Int>, into writer: TerminalWriter) {
    var row = rows.lowerBound
    let bottom = min(rows.upperBound * layout.cellPixels.height, raster.height)
    var height = bands(from: row, to: bottom)
    // The raster ends with a whole band, counted from its top: begin where the image's bands are the raster's.
    while row * layout.cellPixels.height + height > raster.height {
      row -= 1
      height = bands(from: row, to: bottom)
    }
    let top = row * layout.cellPixels.height
    var pen = writer.begin(atMost: 32)
    pen.moveTo(
      column: layout.picture.column + columns.lowerBound / layout.cellPixels.width,
      row: layout.picture.row + row)
    writer.finish(pen)
    let leavesRest = !isWhole && support.keepsUnpaintedPixels
    encoder.encode(
      .init(
        indices: indices.pointer, shown: leavesRest ? UnsafePointer(shown.pointer) : nil, stride: raster.stride),
      x: columns.lowerBound, top: top, width: columns.count, height: height, palette: palette, into: writer)
    for y in top..<top + height {
      let offset = y * raster.stride + columns.lowerBound
      (shown.pointer + offset).update(from: indices.pointer + offset, count: columns.count)
    }
  }

  /// The height of whole bands that reach from the top of a row of cells to a row of pixels.
  private func bands(from row: Int, to bottom: Int) -> Int {
    (bottom - row * layout.cellPixels.height + Self.bandHeight - 1) / Self.bandHeight * Self.bandHeight
  }
}
