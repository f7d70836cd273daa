import Frames
import TestSupport

/// Pictures for tests.
enum Scenes {
  static let pool = VideoFramePool()

  static func solid(_ width: Int, _ height: Int, y: UInt8, u: UInt8 = 128, v: UInt8 = 128) -> VideoFrame {
    let frame = pool.take(VideoSize(width: width, height: height))
    frame.fill(y: y, u: u, v: v)
    return frame
  }

  /// A gradient with a bright square in it whose place depends on `time`, and a little noise that depends on `random`.
  static func moving(_ width: Int, _ height: Int, time: Int, noise: Int = 0, random: inout SeededGenerator)
    -> VideoFrame
  {
    let frame = solid(width, height, y: 16)
    let side = max(width, height) / 4 + 1
    let left = (time * 7) % max(width, 1)
    let top = (time * 3) % max(height, 1)
    for y in 0..<height {
      for x in 0..<width {
        let isInside = x >= left && x < left + side && y >= top && y < top + side
        let value = isInside ? 210 : 40 + 100 * x / width + 40 * y / height
        let grain = noise > 0 ? Int.random(in: -noise...noise, using: &random) : 0
        frame.y[y * frame.yStride + x] = UInt8(value + grain)
      }
    }
    for y in 0..<frame.chromaHeight {
      for x in 0..<frame.chromaWidth {
        let isInside = 2 * x >= left && 2 * x < left + side && 2 * y >= top && 2 * y < top + side
        frame.u[y * frame.uvStride + x] = isInside ? 90 : UInt8(110 + 40 * x / frame.chromaWidth)
        frame.v[y * frame.uvStride + x] = isInside ? 180 : UInt8(150 - 40 * y / frame.chromaHeight)
      }
    }
    return frame
  }

  /// A frame whose luma is given for each pixel; no colour.
  static func luma(_ width: Int, _ height: Int, _ value: (_ x: Int, _ y: Int) -> UInt8) -> VideoFrame {
    let frame = solid(width, height, y: 16)
    for y in 0..<height {
      for x in 0..<width { frame.y[y * frame.yStride + x] = value(x, y) }
    }
    return frame
  }

  /// Red, green and blue of a BT.601 colour, by the book.
  static func rgb(y: Double, u: Double, v: Double) -> [Double] {
    let luma = 1.164384 * (y - 16)
    return [
      luma + 1.596027 * (v - 128), luma - 0.391762 * (u - 128) - 0.812968 * (v - 128), luma + 2.017232 * (u - 128),
    ].map { min(max($0, 0), 255) }
  }
}
