import CYUV
import Frames

/// A picture in somebody else's memory: three planes and their strides in bytes.
struct I420Planes {
  var y: UnsafePointer<UInt8>
  var u: UnsafePointer<UInt8>
  var v: UnsafePointer<UInt8>
  var yStride: Int
  var uStride: Int
  var vStride: Int

  init(
    y: UnsafePointer<UInt8>, u: UnsafePointer<UInt8>, v: UnsafePointer<UInt8>, yStride: Int, uStride: Int, vStride: Int
  ) {
    self.y = y
    self.u = u
    self.v = v
    self.yStride = yStride
    self.uStride = uStride
    self.vStride = vStride
  }

  init(_ frame: VideoFrame) {
    self.init(
      y: frame.y, u: frame.u, v: frame.v, yStride: frame.yStride, uStride: frame.uvStride, vStride: frame.uvStride)
  }

  /// Copies as much as fills the frame.
  func copy(to frame: VideoFrame) {
    _ = I420Copy(
      y, Int32(yStride), u, Int32(uStride), v, Int32(vStride),
      frame.y, Int32(frame.yStride), frame.u, Int32(frame.uvStride), frame.v, Int32(frame.uvStride),
      Int32(frame.width), Int32(frame.height))
  }
}

extension VideoFrame {
  /// Squeezes samples of full range (0...255), as JPEG has them, into the limited range of every ``VideoFrame``.
  func limitRange() {
    // 220/256 of 255 is 219 and 225/256 of 255 is 224: the spans of luma and chroma in BT.601.
    for row in 0..<height {
      let line = y + row * yStride
      for column in 0..<width { line[column] = UInt8(truncatingIfNeeded: (UInt16(line[column]) &* 220) &>> 8 &+ 16) }
    }
    for plane in [u, v] {
      for row in 0..<chromaHeight {
        let line = plane + row * uvStride
        for column in 0..<chromaWidth {
          line[column] = UInt8(truncatingIfNeeded: (UInt16(line[column]) &* 225 &+ 4096) &>> 8)
        }
      }
    }
  }
}
