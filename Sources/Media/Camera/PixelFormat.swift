import CYUV
import Frames

/// The pixel formats of cameras that are understood, by their V4L2 four-character codes.
package enum PixelFormat: String, CaseIterable, Sendable {
  case yuyv = "YUYV"
  case uyvy = "UYVY"
  case nv12 = "NV12"
  case nv21 = "NV21"
  case i420 = "YU12"
  case yv12 = "YV12"
  case i422 = "422P"
  case grey = "GREY"
  case mjpeg = "MJPG"
  case jpeg = "JPEG"

  /// The code as V4L2 writes it, in 32 bits.
  var code: UInt32 { rawValue.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

  init?(code: UInt32) {
    self.init(rawValue: PixelFormat.name(of: code))
  }

  /// The four characters of a code, those that cannot be printed as points.
  static func name(of code: UInt32) -> String {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }
    return String(decoding: bytes.map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
  }

  /// Whether the picture's size in bytes varies.
  var isCompressed: Bool { self == .mjpeg || self == .jpeg }

  /// Bytes from one row of the first plane to the next when rows are not padded.
  func leastStride(width: Int) -> Int {
    switch self {
    case .yuyv, .uyvy: (width + 1) / 2 * 4
    case .nv12, .nv21, .i420, .yv12, .i422: (width + 1) & ~1
    case .grey: width
    case .mjpeg, .jpeg: 0
    }
  }

  /// Bytes of a whole picture, all planes; 1 for a compressed one.
  func bytes(stride: Int, height: Int) -> Int {
    let luma = stride * height
    return switch self {
    case .yuyv, .uyvy, .grey: luma
    case .nv12, .nv21: luma + stride * ((height + 1) / 2)
    case .i420, .yv12: luma + 2 * (stride / 2 * ((height + 1) / 2))
    case .i422: luma + 2 * (stride / 2 * height)
    case .mjpeg, .jpeg: 1
    }
  }

  /// Converts a picture into a frame.
  /// - Parameters:
  ///   - source: at least ``bytes(stride:height:)`` for the frame's height.
  ///   - stride: at least ``leastStride(width:)``.
  /// - Returns: false when the picture is damaged.
  func convert(_ source: UnsafeBufferPointer<UInt8>, stride: Int, into frame: VideoFrame) -> Bool {
    guard let bytes = source.baseAddress, source.count >= self.bytes(stride: stride, height: frame.height) else {
      return false
    }
    let width = Int32(frame.width)
    let height = Int32(frame.height)
    let second = bytes + stride * frame.height
    let half = stride / 2
    let y = frame.y
    let u = frame.u
    let v = frame.v
    let yStride = Int32(frame.yStride)
    let uvStride = Int32(frame.uvStride)
    let stride = Int32(stride)
    switch self {
    case .yuyv: return YUY2ToI420(bytes, stride, y, yStride, u, uvStride, v, uvStride, width, height) == 0
    case .uyvy: return UYVYToI420(bytes, stride, y, yStride, u, uvStride, v, uvStride, width, height) == 0
    case .nv12:
      return NV12ToI420(bytes, stride, second, stride, y, yStride, u, uvStride, v, uvStride, width, height) == 0
    case .nv21:
      return NV21ToI420(bytes, stride, second, stride, y, yStride, u, uvStride, v, uvStride, width, height) == 0
    case .i420, .yv12:
      let third = second + half * frame.chromaHeight
      I420Planes(
        y: bytes, u: self == .i420 ? second : third, v: self == .i420 ? third : second,
        yStride: Int(stride), uStride: half, vStride: half
      ).copy(to: frame)
      return true
    case .i422:
      let third = second + half * frame.height
      return I422ToI420(
        bytes, stride, second, Int32(half), third, Int32(half), y, yStride, u, uvStride, v, uvStride, width, height)
        == 0
    case .grey: return I400ToI420(bytes, stride, y, yStride, u, uvStride, v, uvStride, width, height) == 0
    case .mjpeg, .jpeg:
      // The size is that of the JPEG itself, which the caller has asked for with jpegSize.
      guard MJPGToI420(bytes, source.count, y, yStride, u, uvStride, v, uvStride, width, height, width, height) == 0
      else {
        return false
      }
      frame.limitRange()
      return true
    }
  }

  /// The size that a JPEG states; nil when it is none.
  static func jpegSize(_ source: UnsafeBufferPointer<UInt8>) -> VideoSize? {
    var width: Int32 = 0
    var height: Int32 = 0
    guard source.count >= 4, source[0] == 0xff, source[1] == 0xd8,
      MJPGSize(source.baseAddress, source.count, &width, &height) == 0
    else { return nil }
    let size = VideoSize(width: Int(width), height: Int(height))
    return size.isValid ? size : nil
  }
}
