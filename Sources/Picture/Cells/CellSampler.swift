import Frames

/// The samples of the cells of one row: for each cell eight words of luma (a word is a column of eight rows) and four
/// words of chroma (a column of four rows of U, then four of V).
struct TileRow {
  static let lumaWords = 8
  static let chromaWords = 4
  /// Black, and no colour.
  static let blackLuma: UInt64 = 0x1010_1010_1010_1010
  static let grayChroma: UInt64 = 0x8080_8080_8080_8080

  let luma: UnsafeMutablePointer<UInt64>
  let chroma: UnsafeMutablePointer<UInt64>
}

/// Reduces a frame to the tiles of a rectangle of cells, a row of cells at a time, straight from I420.
final class CellSampler {
  let size: VideoSize
  let columns: Int
  let rows: Int
  let mirrored: Bool
  private let lumaMap: AxisMap
  private let chromaMap: AxisMap
  private let luma: RowScaler
  private let chroma: RowScaler

  init(size: VideoSize, columns: Int, rows: Int, mirrored: Bool) {
    self.size = size
    self.columns = columns
    self.rows = rows
    self.mirrored = mirrored
    let chromaSize = VideoSize(width: (size.width + 1) / 2, height: (size.height + 1) / 2)
    lumaMap = AxisMap(source: size.height, outputs: rows * 8)
    chromaMap = AxisMap(source: chromaSize.height, outputs: rows * 4)
    luma = RowScaler(width: size.width, outputs: columns * TileRow.lumaWords, mirrored: mirrored)
    chroma = RowScaler(width: chromaSize.width, outputs: columns * TileRow.chromaWords, mirrored: mirrored)
  }

  /// Whether this sampler does for a frame in a rectangle.
  func fits(_ frame: VideoFrame, _ cells: CellRectangle) -> Bool {
    frame.width == size.width && frame.height == size.height && columns == cells.columns && rows == cells.rows
  }

  /// Samples one row of cells, counted from the top of the rectangle, into tiles from `column` on.
  func sample(_ frame: VideoFrame, row: Int, into tiles: TileRow, at column: Int) {
    for lane in 0..<8 {
      luma.reduce(frame.y, stride: frame.yStride, map: lumaMap, output: row * 8 + lane, lane: lane)
    }
    luma.finish(into: tiles.luma + column * TileRow.lumaWords)
    for lane in 0..<4 {
      chroma.reduce(frame.u, stride: frame.uvStride, map: chromaMap, output: row * 4 + lane, lane: lane)
      chroma.reduce(frame.v, stride: frame.uvStride, map: chromaMap, output: row * 4 + lane, lane: lane + 4)
    }
    chroma.finish(into: tiles.chroma + column * TileRow.chromaWords)
  }
}
