import CVPX
import Frames
import NIOCore

/// What encoder and decoders share.
enum VPX {
  /// libvpx's own words for what it did not like.
  static func error(
    _ code: vpx_codec_err_t, _ context: UnsafeMutablePointer<vpx_codec_ctx_t>, _ device: String, _ doing: String
  ) -> MediaError {
    var words = vpx_codec_err_to_string(code).map { String(cString: $0) } ?? "error \(code.rawValue)"
    if let detail = vpx_codec_error_detail(context) { words += ", " + String(cString: detail) }
    return .failed(device: device, detail: "\(doing): \(words)")
  }

  /// A decoder's picture as a frame of our own.
  static func copy(
    _ image: vpx_image_t, to pool: VideoFramePool, time: NIODeadline, device: String
  ) throws(MediaError) -> VideoFrame {
    let size = VideoSize(width: Int(image.d_w), height: Int(image.d_h))
    guard image.fmt == VPX_IMG_FMT_I420, size.isValid, let y = image.planes.0, let u = image.planes.1,
      let v = image.planes.2
    else { throw .failed(device: device, detail: "a picture of \(size) in another format than 4:2:0 with 8 bits") }
    let frame = pool.take(size)
    frame.time = time
    I420Planes(
      y: y, u: u, v: v, yStride: Int(image.stride.0), uStride: Int(image.stride.1), vStride: Int(image.stride.2)
    ).copy(to: frame)
    return frame
  }
}

/// RTP's clocks as functions of the machine's.
enum RTPClock {
  /// Ticks a second of every video payload (RFC 7741 §4.1).
  static let videoRate = 90_000

  /// A time in units of 1/90000 s, not yet wrapped to 32 bits.
  static func videoTicks(_ time: NIODeadline) -> UInt64 {
    // In two steps, so that it does not overflow within the life of a machine.
    let (seconds, rest) = time.uptimeNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return seconds * UInt64(videoRate) + rest * UInt64(videoRate) / 1_000_000_000
  }
}

/// Byte buffers in turn, so that one which all readers have let go of is filled again instead of allocated.
struct ByteBufferRing {
  private var buffers = [ByteBuffer](repeating: ByteBuffer(), count: 16)
  private var next = 0

  /// A buffer with a copy of the bytes.
  mutating func buffer(holding bytes: UnsafeRawBufferPointer) -> ByteBuffer {
    defer { next = (next + 1) % buffers.count }
    buffers[next].clear(minimumCapacity: bytes.count)
    buffers[next].writeBytes(bytes)
    return buffers[next]
  }
}
