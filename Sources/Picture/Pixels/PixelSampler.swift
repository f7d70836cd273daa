import Frames

/// Scales a frame into a rectangle of a ``PixelRaster``.
final class PixelSampler {
  let size: VideoSize
  let width: Int
  let height: Int
  private let lumaMap: AxisMap
  private let chromaMap: AxisMap
  private let luma: RowScaler
  private let chroma: RowScaler
  private let words: Storage<UInt64>
  private let rows: Storage<UInt8>
  private let rowBytes: Int

  init(size: VideoSize, width: Int, height: Int, mirrored: Bool) {
    self.size = size
    self.width = width
    self.height = height
    lumaMap = AxisMap(source: size.height, outputs: height)
    chromaMap = AxisMap(source: (size.height + 1) / 2, outputs: (height + 1) / 2)
    luma = RowScaler(width: size.width, outputs: width, mirrored: mirrored)
    chroma = RowScaler(width: (size.width + 1) / 2, outputs: (width + 1) / 2, mirrored: mirrored)
    rowBytes = (width + 63) & ~63
    words = Storage(repeating: 0, count: rowBytes)
    rows = Storage(repeating: 0, count: 8 * rowBytes)
  }

  func fits(_ frame: VideoFrame, width: Int, height: Int) -> Bool {
    frame.width == size.width && frame.height == size.height && width == self.width && height == self.height
  }

  /// Scales the frame to the rectangle with its upper left corner at x, y, which are even.
  /// - Parameter hole: a rectangle in which the raster is left alone, because something else will be drawn there.
  func sample(_ frame: VideoFrame, into raster: PixelRaster, x: Int, y: Int, sparing hole: PixelHole?) {
    for top in Swift.stride(from: 0, to: height, by: 8) {
      let count = min(8, height - top)
      for lane in 0..<count {
        luma.reduce(frame.y, stride: frame.yStride, map: lumaMap, output: top + lane, lane: lane)
      }
      let rows = reduced(luma, width: width)
      for lane in 0..<count {
        let row = y + top + lane
        let kept = hole?.contains(row: row) == true ? max(0, (hole?.x ?? 0) - x) : width
        raster.take(luma: rows.first + lane * rows.stride, row: row, x: x, count: min(width, kept))
      }
    }
    let chromaWidth = chroma.outputs
    for top in Swift.stride(from: 0, to: chromaMap.outputs, by: 4) {
      let count = min(4, chromaMap.outputs - top)
      for lane in 0..<count {
        chroma.reduce(frame.u, stride: frame.uvStride, map: chromaMap, output: top + lane, lane: lane)
        chroma.reduce(frame.v, stride: frame.uvStride, map: chromaMap, output: top + lane, lane: lane + 4)
      }
      let rows = reduced(chroma, width: chromaWidth)
      for lane in 0..<count {
        let row = y / 2 + top + lane
        let kept = hole?.contains(row: 2 * row) == true ? max(0, ((hole?.x ?? 0) - x) / 2) : chromaWidth
        raster.take(
          u: rows.first + lane * rows.stride, v: rows.first + (lane + 4) * rows.stride, row: row, x: x / 2,
          count: min(chromaWidth, kept))
      }
    }
  }

  /// Eight lanes reduced horizontally, as rows.
  private func reduced(_ scaler: RowScaler, width: Int) -> (first: UnsafePointer<UInt8>, stride: Int) {
    if scaler.isVertical { return scaler.lanes }
    scaler.finish(into: words.pointer)
    let words = words.pointer
    var x = 0
    while x < width {
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 8) { block in
        guard let block = block.baseAddress else { return }
        Transpose.bytes8x8(from: { words[x + $0] }, into: block)
        for lane in 0..<8 {
          UnsafeMutableRawPointer(rows.pointer + lane * rowBytes + x).storeBytes(of: block[lane], as: UInt64.self)
        }
      }
      x += 8
    }
    return (UnsafePointer(rows.pointer), rowBytes)
  }
}

/// The part of a raster that the self view covers: everything right of `x` in these rows.
struct PixelHole {
  var x: Int
  var y: Int
  var height: Int

  func contains(row: Int) -> Bool { row >= y && row < y + height }
}
